#include "components/functions.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Field;

component::Function email_send() {
  Descriptor it;
  it.component = "email";
  it.name = "send";
  it.title = "Send an e-mail";
  it.summary =
      "Sends an e-mail over SMTP for every message. Who gets it and what it says stands in the message's body (to, cc, "
      "bcc, from, reply_to, subject, text, html, attachments); what is missing there is taken from the config. Refused "
      "connections and 4xx replies are tried again later, 5xx replies are dead letters.";
  it.fields = {
      {.name = "smtp",
       .summary = "smtp://host:port or smtps://host:port of the mail server; may hold user:password@.",
       .required = true},
      {.name = "starttls",
       .type = Field::Type::choice,
       .summary = "Whether smtp:// goes over to TLS: always, when the server offers it, or never.",
       .default_json = R"("when_offered")",
       .choices = {"always", "when_offered", "never"}},
      {.name = "username", .summary = "User name to log in with."},
      {.name = "password", .type = Field::Type::secret, .summary = "Password to log in with."},
      {.name = "from",
       .summary = "Sender: \"a@example.com\" or \"Name <a@example.com>\"; the body's from comes first."},
      {.name = "to", .type = Field::Type::list, .summary = "Recipients where the body names none."},
      {.name = "cc", .type = Field::Type::list, .summary = "Recipients of copies where the body names none."},
      {.name = "bcc", .type = Field::Type::list, .summary = "Hidden recipients where the body names none."},
      {.name = "subject", .summary = "Subject where the body has none; may hold {{ }} templates."},
      {.name = "text", .summary = "Plain text where the body has none; may hold {{ }} templates."},
      {.name = "html", .summary = "HTML where the body has none; may hold {{ }} templates."},
      {.name = "timeout",
       .type = Field::Type::duration,
       .summary = "Longest time for one mail.",
       .default_json = R"("60s")",
       .minimum = 1,
       .maximum = 3600},
      {.name = "tls_verify",
       .type = Field::Type::boolean,
       .summary = "Checks the server's certificate and name.",
       .default_json = "true"},
      {.name = "tls_ca_file", .summary = "PEM file of certificate authorities to trust instead of the system's."},
      {.name = "size_max",
       .type = Field::Type::size,
       .summary = "Largest mail, attachments included.",
       .default_json = R"("25MB")",
       .minimum = 1},
      {.name = "concurrency",
       .type = Field::Type::integer,
       .summary = "Mails under way at once in one worker.",
       .default_json = "4",
       .minimum = 1,
       .maximum = 64}};
  it.emits =
      "{\"messageId\": the mail's Message-ID, \"accepted\": [recipients], \"response\": the server's last word}.";
  it.examples = {{"Tell the team", R"(- id: notify
  action: email.send
  after: publish
  input: |
    { "to": "team@example.com", "subject": "New: " & body.title, "text": "Published as " & body.id }
  config:
    smtp: ${SMTP_URL}
    from: millrace@example.com
)"},
                 {"With an attachment", R"(- id: invoice
  action: email.send
  after: billing
  input: |
    { "to": body.customer.email, "subject": "Your invoice", "html": "<p>Thank you!</p>",
      "attachments": [{ "name": "invoice.pdf", "type": "application/pdf", "base64": body.pdf }] }
  config:
    smtp: smtps://mail.example.com:465
    username: billing
    password: ${SMTP_PASSWORD}
    from: Billing <billing@example.com>
)"}};
  return {it, nullptr};
}

}  // namespace millrace::components
