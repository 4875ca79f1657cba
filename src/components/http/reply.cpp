#include <charconv>

#include "component/config.hpp"
#include "component/json_text.hpp"
#include "components/functions.hpp"
#include "components/template.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Field;
using component::Outcome;

namespace {

class Reply final : public component::Action {
 public:
  Reply(Template status, TemplateMap headers, component::StepExpression body)
      : status_(std::move(status)), headers_(std::move(headers)), body_(std::move(body)) {}

  bool immediate() const override { return true; }

  void process(component::Work work, component::Finish finish) override {
    Outcome outcome;
    outcome.emissions.push_back({.body = std::string(work.message.body()),
                                 .headers = std::string(work.message.part("headers")),
                                 .attachments = std::string(work.message.part("attachments"))});
    if (work.reply_to.empty()) return finish(std::move(outcome));
    auto response = response_of(work);
    if (!response) return finish(Outcome::dead(response.error()));
    outcome.emissions.push_back({.body = std::move(*response), .routing_key = work.reply_to});
    finish(std::move(outcome));
  }

 private:
  Result<std::string, component::Failure> response_of(const component::Work& work) const {
    const std::string_view envelope = work.message.envelope();
    auto status = status_.fill(envelope, work.execution_id);
    if (!status) return status.error();
    const std::string text = status->value_or("200");
    int code = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), code);
    if (failed != std::errc() || end != text.data() + text.size() || code < 200 || code > 599) {
      return component::Failure{"reply.status",
                                "config.status gives \"" + text + "\", which is no status of a response"};
    }
    auto headers = headers_.fill(envelope, work.execution_id);
    if (!headers) return headers.error();
    auto body = body_.evaluate(envelope, work.execution_id);
    if (!body) return body.error();

    std::string response = "{\"status\":" + std::to_string(code) + ",\"headers\":{";
    bool first = true;
    for (const auto& [name, value] : *headers) {
      if (value.find_first_of("\r\n") != std::string::npos) {
        return component::Failure{"reply.header", "config.headers." + name + " gives a line break"};
      }
      if (!first) response += ',';
      first = false;
      component::json_text::append_quoted(response, name);
      response += ':';
      component::json_text::append_quoted(response, value);
    }
    response += "},\"body\":";
    return response.append(body->value_or("null")).append("}");
  }

  Template status_;
  TemplateMap headers_;
  component::StepExpression body_;
};

Result<std::unique_ptr<component::Action>> make_reply(const Descriptor& descriptor, const boost::json::object& given,
                                                      component::Services& services) {
  auto config = component::Config::read(descriptor, given);
  if (!config) return config.error();
  auto status = Template::compile(config->text("status"), "config.status", services);
  if (!status) return status.error();
  auto headers = TemplateMap::compile(config->text_map("headers"), "config.headers", services);
  if (!headers) return headers.error();
  auto body = component::StepExpression::compile(config->text("body"), "config.body", services);
  if (!body) return body.error();
  return std::unique_ptr<component::Action>(
      std::make_unique<Reply>(std::move(*status), std::move(*headers), std::move(*body)));
}

}  // namespace

component::Function http_reply() {
  Descriptor it;
  it.component = "http";
  it.name = "reply";
  it.title = "Reply to the caller";
  it.summary =
      "Answers the webhook's caller, who waits for it up to the trigger's reply_timeout. Where nobody waits, the "
      "message "
      "is done and nothing is sent. The message itself goes on to the next steps as it came.";
  it.fields = {
      {.name = "status",
       .summary = "HTTP status of the response, 200 to 599; may hold {{ }} templates.",
       .default_json = R"("200")"},
      {.name = "headers",
       .type = Field::Type::text_map,
       .summary = "Headers of the response; values may hold {{ }} templates.",
       .default_json = "{}"},
      {.name = "body",
       .type = Field::Type::expression,
       .summary = "JSONata over the message: the response's body. Text is sent as it is, as text/plain or what "
                  "headers name as content-type; everything else, and text whose content-type is JSON, as "
                  "JSON; null and nothing as an empty body.",
       .default_json = R"("body")"}};
  it.emits =
      "To the gateway, under the caller's reply key, a message whose body is {\"status\": 200, \"headers\": {…}, "
      "\"body\": any JSON}; to the next steps the message as it came.";
  it.examples = {{"Answer with what was made of the request", R"(- id: answer
  action: http.reply
  after: shape
  config:
    status: 201
    headers: { x-request: "{{ headers.'x-request-id' }}" }
    body: '{ "id": body.id }'
)"}};
  return {it, [it](const boost::json::object& config, component::Services& services) {
            return make_reply(it, config, services);
          }};
}

}  // namespace millrace::components
