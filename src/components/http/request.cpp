#include <fmt/format.h>

#include "component/base64.hpp"
#include "component/config.hpp"
#include "component/json_text.hpp"
#include "components/functions.hpp"
#include "components/http/call_maker.hpp"
#include "components/http/call_span.hpp"
#include "components/http/request_fields.hpp"
#include "components/http/response_form.hpp"
#include "components/http/retry_after.hpp"
#include "components/http/status_set.hpp"
#include "components/http/verify_login.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Failure;
using component::Field;
using component::Outcome;
using component::Work;
using io::HttpAnswer;

namespace {

enum class SendAs { json, text, base64, form, none };

struct Settings {
  std::string method;
  std::optional<component::StepExpression> body;  ///< none: the message's body as it stands
  SendAs send_as = SendAs::json;
  std::optional<Template> content_type;
  ResponseForm response = ResponseForm::by_type;
  StatusSet expect;
  StatusSet retry_on;
  bool idempotency_key = true;
};

class Request final : public component::Action {
 public:
  Request(Settings settings, CallMaker calls, std::unique_ptr<io::Transfers> transfers,
          const component::Services& services)
      : settings_(std::move(settings)),
        calls_(std::move(calls)),
        sender_(std::move(transfers), services.credential),
        services_(services) {}

  std::size_t concurrency() const override { return 16; }

  void process(Work work, component::Finish finish) override {
    auto call = make_call(work);
    if (!call) return finish(Outcome::dead(call.error()));
    for (const auto& line : call->http.headers) {
      if (line.find_first_of("\r\n") == std::string::npos) continue;
      return finish(Outcome::dead({"http.header", "a header has a line break: " + line.substr(0, line.find(':'))}));
    }
    const auto url = url_for_people(call->http.url);
    auto target = call->http.method + " " + url;
    // A trace that the config gives a header of its own is none of ours.
    const CallSpan span(services_, calls_.sets_header("traceparent") ? tracing::Context() : work.trace, call->http);
    sender_.send(std::move(*call), target,
                 [this, target, url, span, finish = std::move(finish)](const Result<HttpAnswer, Outcome>& result) {
                   span.ended(result, url);
                   finish(result ? outcome_of(*result, target) : result.error());
                 });
  }

 private:
  Result<StepCall, Failure> make_call(const Work& work) const {
    const std::string_view envelope = work.message.envelope();
    auto made = calls_.call(envelope, work.execution_id);
    if (!made) return made.error();
    auto* call = &made->http;
    call->method = settings_.method;
    if (settings_.idempotency_key && !calls_.sets_header("idempotency-key")) {
      call->headers.push_back("Idempotency-Key: " + work.message_id);
    }
    if (settings_.send_as == SendAs::none) return made;

    std::string value;
    if (settings_.body) {
      auto result = settings_.body->evaluate(envelope, work.execution_id);
      if (!result) return result.error();
      value = result->value_or(std::string());
    } else {
      value = work.message.body();
    }
    auto body = written(std::move(value));
    if (!body) return body.error();
    call->body = std::move(*body);
    if (calls_.sets_header("content-type")) return made;
    auto type = settings_.content_type ? settings_.content_type->fill(envelope, work.execution_id)
                                       : std::optional<std::string>(default_content_type());
    if (!type) return type.error();
    if (*type) call->headers.push_back("Content-Type: " + **type);
    return made;
  }

  const char* default_content_type() const {
    switch (settings_.send_as) {
      case SendAs::text:
        return "text/plain; charset=utf-8";
      case SendAs::base64:
        return "application/octet-stream";
      case SendAs::form:
        return "application/x-www-form-urlencoded";
      default:
        return "application/json";
    }
  }

  /// A JSON value in the form that goes out.
  Result<std::string, Failure> written(std::string value) const {
    namespace json_text = component::json_text;
    const auto part = [&](std::string_view name) {
      const auto found = value.starts_with('{') ? json_text::member(value, name) : std::string_view();
      return json_text::as_text(found.empty() ? std::string_view(value) : found);
    };
    switch (settings_.send_as) {
      case SendAs::text:
        return part("text");
      case SendAs::base64: {
        auto bytes = component::base64_decoded(part("base64"));
        if (!bytes) return Failure{"http.body", "send_as: base64, but the body is not base64 text"};
        return std::move(*bytes);
      }
      case SendAs::form: {
        std::string form;
        const auto walked = json_text::members(value, [&](std::string_view name, std::string_view field) {
          if (!form.empty()) form += '&';
          form.append(percent_encoded(name)).append("=").append(percent_encoded(json_text::as_text(field)));
        });
        if (!walked) return Failure{"http.body", "send_as: form, but the body is " + walked.error().message};
        return form;
      }
      default:
        return value;
    }
  }

  Outcome outcome_of(const HttpAnswer& answer, const std::string& target) const {
    if (!settings_.expect.contains(answer.status)) {
      Failure failure{"http.status", fmt::format("{} answered {}", target, answer.status), response_details(answer)};
      if (!settings_.retry_on.contains(answer.status)) return Outcome::dead(std::move(failure));
      return Outcome::later(std::move(failure),
                            parse_retry_after(answer.header("retry-after"), services_.loop.wall_now()));
    }
    if (!services_.has_successors && !services_.is_watched) return Outcome::done({});
    auto body = response_body(answer, settings_.response);
    if (!body) {
      if (!services_.has_successors) return Outcome::done({});
      return Outcome::dead({"http.response", target + ": " + body.error().message, response_details(answer)});
    }
    return Outcome::done({Emission{.body = std::move(*body), .headers = response_headers(answer)}});
  }

  Settings settings_;
  CallMaker calls_;
  AuthorizedCalls sender_;
  const component::Services services_;
};

ResponseForm response_form(const std::string& text) {
  if (text == "json") return ResponseForm::json;
  if (text == "text") return ResponseForm::text;
  return text == "base64" ? ResponseForm::base64 : ResponseForm::by_type;
}

SendAs send_as(const std::string& text) {
  if (text == "text") return SendAs::text;
  if (text == "base64") return SendAs::base64;
  if (text == "form") return SendAs::form;
  return text == "none" ? SendAs::none : SendAs::json;
}

Result<Settings> read_settings(const component::Config& config, const component::Services& services) {
  Settings settings;
  settings.method = config.text("method");
  settings.send_as = send_as(config.text("send_as"));
  if (config.has("body")) {
    auto body = component::StepExpression::compile(config.text("body"), "config.body", services);
    if (!body) return body.error();
    settings.body = std::move(*body);
  } else if (settings.method != "POST" && settings.method != "PUT" && settings.method != "PATCH") {
    settings.send_as = SendAs::none;
  }
  if (config.has("content_type")) {
    auto type = Template::compile(config.text("content_type"), "config.content_type", services);
    if (!type) return type.error();
    settings.content_type = std::move(*type);
  }
  settings.response = response_form(config.text("response"));
  auto expect = StatusSet::parse(config.list("expect"), "config.expect");
  if (!expect) return expect.error();
  settings.expect = std::move(*expect);
  auto retry_on = StatusSet::parse(config.list("retry_on"), "config.retry_on");
  if (!retry_on) return retry_on.error();
  settings.retry_on = std::move(*retry_on);
  settings.idempotency_key = config.boolean("idempotency_key");
  return settings;
}

Result<std::unique_ptr<component::Action>> make_request(const Descriptor& descriptor, const boost::json::object& given,
                                                        component::Services& services) {
  auto config = component::Config::read(descriptor, given);
  if (!config) return config.error();
  auto settings = read_settings(*config, services);
  if (!settings) return settings.error();
  auto calls = CallMaker::make(*config, services);
  if (!calls) return calls.error();
  auto transfers = services.outside.transfers();
  if (!transfers) return transfers.error();
  return std::unique_ptr<component::Action>(
      std::make_unique<Request>(std::move(*settings), std::move(*calls), std::move(*transfers), services));
}

std::vector<Field> fields() {
  std::vector<Field> all = {{.name = "method",
                             .type = Field::Type::choice,
                             .summary = "HTTP method.",
                             .default_json = R"("GET")",
                             .choices = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}}};
  const auto shared = http_request_fields();
  all.insert(all.end(), shared.begin(), shared.end());
  const std::vector<Field> own = {
      {.name = "body",
       .type = Field::Type::expression,
       .summary = "JSONata over the message: what to send. By default POST, PUT and PATCH send the message's body and "
                  "the other methods nothing."},
      {.name = "send_as",
       .type = Field::Type::choice,
       .summary = "How the body is written: as JSON, as the text it is, as the bytes it is the base64 form of, as form "
                  "fields (application/x-www-form-urlencoded), or not at all.",
       .default_json = R"("json")",
       .choices = {"json", "text", "base64", "form", "none"}},
      {.name = "content_type",
       .summary = "Content-Type of what is sent; by default the one that goes with send_as. May hold {{ }} templates.",
       .templated = true},
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
       .default_json = "true"}};
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
  it.credential_types = http_credential_types();
  it.credential_replaces = {"auth", "username", "password", "token"};
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
  credential: crm
)"}};
  return {it,
          [it](const boost::json::object& config, component::Services& services) {
            return make_request(it, config, services);
          },
          [it](const boost::json::object& config, component::Services& services, std::function<void(Status)> done) {
            return verify_http_login(it, config, services, std::move(done));
          }};
}

}  // namespace millrace::components
