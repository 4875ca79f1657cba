#include "components/functions.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Field;

component::Function http_reply() {
  Descriptor it;
  it.component = "http";
  it.name = "reply";
  it.title = "Reply to the caller";
  it.summary =
      "Answers the webhook's caller, who waits for it up to the trigger's reply_timeout. Where nobody waits any more, "
      "the message is done and nothing is sent. The message itself goes on to the next steps as it came.";
  it.fields = {{.name = "status",
                .summary = "HTTP status of the response, 200 to 599; may hold {{ }} templates.",
                .default_json = R"("200")"},
               {.name = "headers",
                .type = Field::Type::text_map,
                .summary = "Headers of the response; values may hold {{ }} templates.",
                .default_json = "{}"},
               {.name = "body",
                .type = Field::Type::expression,
                .summary = "JSONata over the message: the response's body. Text is sent as it is where headers give a "
                           "content-type that is not JSON, everything else as JSON.",
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
  return {it, nullptr};
}

}  // namespace millrace::components
