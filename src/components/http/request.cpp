#include "components/functions.hpp"
#include "components/http/request_fields.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Field;

namespace {

std::vector<Field> fields() {
  std::vector<Field> all = {{.name = "method",
                             .type = Field::Type::choice,
                             .summary = "HTTP method.",
                             .default_json = R"("GET")",
                             .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}}};
  const auto shared = http_request_fields();
  all.insert(all.end(), shared.begin(), shared.end());
  const std::vector<Field> own = {
      {.name = "body",
       .type = Field::Type::expression,
       .summary = "JSONata over the message: what to send.",
       .default_json = R"("body")"},
      {.name = "send_as",
       .type = Field::Type::choice,
       .summary = "How the body is written: as JSON, as the text it is, as the bytes it is the base64 form of, as form "
                  "fields (application/x-www-form-urlencoded), or not at all. GET, HEAD and OPTIONS send none.",
       .default_json = R"("json")",
       .choices = {"json", "text", "base64", "form", "none"}},
      {.name = "content_type",
       .summary = "Content-Type of what is sent; by default the one that goes with send_as. May hold {{ }} templates."},
      {.name = "response",
       .type = Field::Type::choice,
       .summary = "How the response's body is read: by its content type (auto), or always as JSON, text or base64.",
       .default_json = R"("auto")",
       .choices = {"auto", "json", "text", "base64"}},
      {.name = "expect",
       .type = Field::Type::list,
       .summary = "Status codes and ranges that count as success.",
       .default_json = R"(["200-299"])"},
      {.name = "retry_on",
       .type = Field::Type::list,
       .summary = "Status codes and ranges after which the message is tried again later; every other is a dead letter.",
       .default_json = R"(["408", "425", "429", "500", "502-504"])"},
      {.name = "idempotency_key",
       .type = Field::Type::boolean,
       .summary = "Sends the message's stable id as Idempotency-Key, so that the target can recognise a repeat.",
       .default_json = "true"},
      {.name = "concurrency",
       .type = Field::Type::integer,
       .summary = "Requests under way at once in one worker; 1 keeps the order of messages.",
       .default_json = "16",
       .minimum = 1,
       .maximum = 256}};
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

}  // namespace

component::Function http_request() {
  Descriptor it;
  it.component = "http";
  it.name = "request";
  it.title = "HTTP request";
  it.summary =
      "Sends an HTTP request for every message and passes on the response. Timeouts, refused or broken connections and "
      "the statuses of retry_on are tried again later, not before the target's Retry-After; other failures are dead "
      "letters that keep the response.";
  it.fields = fields();
  it.check = check_http_auth;
  it.emits =
      "The response: body is the parsed JSON, {\"text\": …} or {\"base64\": …}, or {} where it is empty; headers hold "
      "statusCode, contentType, url and headers.";
  it.examples = {{"Post every message to a CMS", R"(- id: publish
  action: http.request
  after: shape
  config:
    method: POST
    url: ${CMS_URL}/posts
  retry: { initial: 1s, factor: 2, max: 5m, attempts: 20 }
)"},
                 {"Look something up", R"(- id: customer
  action: http.request
  after: orders
  config:
    url: https://crm.example.com/customers/{{ body.customer_id }}
    headers: { accept: application/json }
    auth: bearer
    token: ${CRM_TOKEN}
)"}};
  return {it, nullptr};
}

}  // namespace millrace::components
