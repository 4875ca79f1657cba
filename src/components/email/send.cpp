#include <fmt/format.h>

#include "component/config.hpp"
#include "component/json_text.hpp"
#include "components/email/authorized_mails.hpp"
#include "components/email/mail.hpp"
#include "components/email/mail_server.hpp"
#include "components/functions.hpp"
#include "components/http/fault_outcome.hpp"
#include "components/template.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Failure;
using component::Field;
using component::Outcome;
using component::Work;

namespace {

/// What stands in for what a message's body leaves out.
struct Defaults {
  std::optional<Address> from;
  std::vector<Address> to;
  std::vector<Address> cc;
  std::vector<Address> bcc;
  std::optional<Template> subject;
  std::optional<Template> text;
  std::optional<Template> html;
};

class Send final : public component::Action {
 public:
  Send(Defaults defaults, io::MailCall server, const component::Config& config,
       std::unique_ptr<io::Transfers> transfers, const component::Services& services)
      : defaults_(std::move(defaults)),
        server_(std::move(server)),
        size_max_(config.size("size_max")),
        mails_(std::move(transfers), services.credential),
        loop_(services.loop) {}

  std::size_t concurrency() const override { return 4; }

  void process(Work work, component::Finish finish) override {
    auto mail = complete(work);
    if (!mail) return finish(Outcome::dead(mail.error()));
    auto call = server_;
    mail->put_into(call, work.message_id, loop_.wall_now());
    std::size_t size = 0;
    for (const auto& part : call.bodies) size += part.bytes.size();
    for (const auto& part : call.attachments) size += part.bytes.size() * 4 / 3;
    if (size > size_max_) {
      return finish(Outcome::dead(
          {"email.too_large", fmt::format("the mail has about {} bytes, more than config.size_max", size)}));
    }
    auto report =
        "{\"messageId\":" + component::json_text::quoted(mail->message_id_header(work.message_id)) + ",\"accepted\":[";
    for (const auto& recipient : call.recipients) {
      if (report.back() != '[') report += ',';
      component::json_text::append_quoted(report, recipient);
    }
    report += "],\"response\":";
    const auto target = "mail over " + call.url;
    mails_.send(
        std::move(call), target,
        [report = std::move(report), finish = std::move(finish)](const Result<io::MailAnswer, Outcome>& answer) {
          if (!answer) return finish(answer.error());
          auto body = report + component::json_text::quoted(answer->response) + "}";
          finish(Outcome::done({Emission{.body = std::move(body)}}));
        });
  }

 private:
  Result<Mail, Failure> complete(const Work& work) const {
    const auto body = work.message.body();
    if (body.empty() || body.front() != '{') return Failure{"email.body", "body must be an object with to, subject, …"};
    auto mail = Mail::read(body);
    if (!mail) return mail;
    if (!mail->from) mail->from = defaults_.from;
    if (mail->to.empty()) mail->to = defaults_.to;
    if (mail->cc.empty()) mail->cc = defaults_.cc;
    if (mail->bcc.empty()) mail->bcc = defaults_.bcc;
    for (const auto& [field, into, from] :
         {std::tuple{"subject", &mail->subject, &defaults_.subject}, std::tuple{"text", &mail->text, &defaults_.text},
          std::tuple{"html", &mail->html, &defaults_.html}}) {
      if (*into || !*from) continue;
      auto filled = (*from)->fill(work.message.envelope(), work.execution_id);
      if (!filled) return filled.error();
      *into = std::move(*filled);
    }
    if (!mail->from) return Failure{"email.from", "there is no sender: neither body.from nor config.from is given"};
    if (mail->to.empty() && mail->cc.empty() && mail->bcc.empty()) {
      return Failure{"email.to", "there is no recipient: body.to, cc and bcc are empty and config names none"};
    }
    if (mail->subject && mail->subject->find_first_of("\r\n") != std::string::npos) {
      return Failure{"email.subject", "config.subject gives a line break"};
    }
    return mail;
  }

  Defaults defaults_;
  io::MailCall server_;
  std::size_t size_max_;
  AuthorizedMails mails_;
  io::Loop& loop_;
};

Result<Defaults> read_defaults(const component::Config& config, const component::Services& services) {
  Defaults defaults;
  const auto addresses = [&](const char* field, std::vector<Address>& into) -> Status {
    const auto texts = field == std::string_view("from") ? std::vector{config.text(field)} : config.list(field);
    for (const auto& text : texts) {
      auto parsed = parse_addresses(text);
      if (!parsed) return parsed.error().in(std::string("config.") + field);
      into.insert(into.end(), parsed->begin(), parsed->end());
    }
    return Done{};
  };
  std::vector<Address> from;
  for (const auto& [field, into] : {std::pair{"from", &from}, std::pair{"to", &defaults.to},
                                    std::pair{"cc", &defaults.cc}, std::pair{"bcc", &defaults.bcc}}) {
    if (auto status = addresses(field, *into); !status) return status.error();
  }
  if (from.size() > 1) return Error{Error::Kind::invalid, "config.from: must be one address"};
  if (!from.empty()) defaults.from = from.front();
  for (const auto& [field, into] : {std::pair{"subject", &defaults.subject}, std::pair{"text", &defaults.text},
                                    std::pair{"html", &defaults.html}}) {
    if (!config.has(field)) continue;
    auto compiled = Template::compile(config.text(field), std::string("config.") + field, services);
    if (!compiled) return compiled.error();
    into->emplace(std::move(*compiled));
  }
  return defaults;
}

Result<std::unique_ptr<component::Action>> make_send(const Descriptor& descriptor, const boost::json::object& given,
                                                     component::Services& services) {
  auto config = component::Config::read(descriptor, given);
  if (!config) return config.error();
  auto defaults = read_defaults(*config, services);
  if (!defaults) return defaults.error();
  auto server = read_mail_server(*config);
  if (!server) return server.error();
  auto transfers = services.outside.transfers();
  if (!transfers) return transfers.error();
  return std::unique_ptr<component::Action>(
      std::make_unique<Send>(std::move(*defaults), std::move(*server), *config, std::move(*transfers), services));
}

}  // namespace

component::Function email_send() {
  Descriptor it;
  it.component = "email";
  it.name = "send";
  it.title = "Send an e-mail";
  it.summary =
      "Sends an e-mail over SMTP for every message. Who gets it and what it says stands in the message's body (to, cc, "
      "bcc, from, reply_to, subject, text, html, attachments); what is missing there is taken from the config. An "
      "attachment is {name, type, base64 or text, content_id}, the last for pictures within the html (cid:). Refused "
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
       .minimum = 1}};
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
    from: Billing <billing@example.com>
  credential: mail-server
)"}};
  it.credential_types = {component::CredentialType::basic, component::CredentialType::oauth2_client_credentials,
                         component::CredentialType::oauth2_authorization_code};
  it.credential_replaces = {"username", "password"};
  return {it,
          [it](const boost::json::object& config, component::Services& services) {
            return make_send(it, config, services);
          },
          [it](const boost::json::object& config, component::Services& services, std::function<void(Status)> done) {
            return verify_mail_login(it, config, services, std::move(done));
          }};
}

}  // namespace millrace::components
