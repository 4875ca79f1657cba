#include "components/functions.hpp"
#include "components/http/request_fields.hpp"
#include "components/timer/schedule_fields.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Field;

namespace {

std::vector<Field> fields() {
  std::vector<Field> all = schedule_fields();
  const auto shared = http_request_fields();
  all.insert(all.end(), shared.begin(), shared.end());
  const std::vector<Field> own = {
      {.name = "items",
       .type = Field::Type::expression,
       .summary = "JSONata over the response (body, headers, statusCode) that yields its items.",
       .default_json = R"("body")"},
      {.name = "id",
       .type = Field::Type::expression,
       .summary = "JSONata over one item that yields what tells it from others. With it, only items that are new or "
                  "have changed since they were last seen go on; without it, all do."},
      {.name = "cursor",
       .type = Field::Type::expression,
       .summary = "JSONata over the response, with $items and the old $cursor, that yields the position to go on from. "
                  "It is kept in the snapshot and is $cursor in the templates of url, headers and query."},
      {.name = "next",
       .type = Field::Type::expression,
       .summary = "JSONata over the response that yields the next page's URL, or nothing on the last page."},
      {.name = "pages_max",
       .type = Field::Type::integer,
       .summary = "Most pages of one tick; the rest waits for the next.",
       .default_json = "1000",
       .minimum = 1},
      {.name = "seen_max",
       .type = Field::Type::integer,
       .summary = "How many items' states are remembered; beyond it, those seen longest ago are forgotten.",
       .default_json = "10000",
       .minimum = 1,
       .maximum = 100'000}};
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

Status check(const boost::json::object& config) {
  if (auto status = check_schedule(config); !status) return status;
  return check_http_auth(config);
}

}  // namespace

component::Function http_poll() {
  Descriptor it;
  it.component = "http";
  it.name = "poll";
  it.kind = Descriptor::Kind::polling_trigger;
  it.title = "Poll over HTTP";
  it.summary =
      "Asks an HTTP API at intervals or by cron and starts an execution for every item that is new or has changed. "
      "Goes "
      "page by page; each page's items and the new position are committed together, so a restart goes on where it was.";
  it.fields = fields();
  it.check = check;
  it.emits = "One item.";
  it.examples = {{"New and changed contacts", R"(- id: contacts
  trigger: http.poll
  config:
    every: 1m
    url: https://crm.example.com/contacts
    query: { updated_since: "{{ $cursor }}" }
    auth: bearer
    token: ${CRM_TOKEN}
    items: body.data
    id: id
    cursor: $max($append($items.updated_at, $cursor))
    next: body.links.next
)"}};
  return {it, nullptr};
}

}  // namespace millrace::components
