#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include "component/config.hpp"
#include "component/json_text.hpp"
#include "components/functions.hpp"
#include "components/http/call_maker.hpp"
#include "components/http/poll_state.hpp"
#include "components/http/request_fields.hpp"
#include "components/http/response_form.hpp"
#include "components/http/retry_after.hpp"
#include "components/http/status_set.hpp"
#include "components/http/verify_login.hpp"
#include "components/timer/schedule_fields.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Failure;
using component::Field;
using component::Outcome;
using component::StepExpression;
using component::Work;
using io::HttpAnswer;

namespace {

struct Settings {
  std::optional<StepExpression> items;
  std::optional<StepExpression> id;
  std::optional<StepExpression> cursor;
  std::optional<StepExpression> next;
  std::uint64_t pages_max = 0;
  std::size_t seen_max = 0;
  StatusSet retry_on;
};

/// `next`, which may be relative, as seen from `base`; empty if it is no URL.
std::string resolved(const std::string& base, const std::string& next) {
  const auto from = boost::urls::parse_uri(base);
  const auto reference = boost::urls::parse_uri_reference(next);
  if (!from || !reference) return {};
  boost::urls::url result;
  if (!boost::urls::resolve(*from, *reference, result)) return {};
  return std::string(result.buffer());
}

class Poll final : public component::Action {
 public:
  Poll(Settings settings, CallMaker calls, std::unique_ptr<io::Transfers> transfers,
       const component::Services& services)
      : settings_(std::move(settings)),
        calls_(std::move(calls)),
        sender_(std::move(transfers), services.credential),
        loop_(services.loop) {}

  void process(Work work, component::Finish finish) override {
    auto state = PollState::read(work.snapshot);
    if (!state) return finish(Outcome::dead({"poll.snapshot", state.error().message}));
    if (!state->tick.empty() && state->tick != work.message_id) {
      // The run of an earlier tick was given up: begin again where the last whole run ended.
      state->next.clear();
      state->cursor_pending.clear();
      state->pages = 0;
    }
    state->tick = work.message_id;

    auto call = page_call(work, *state);
    if (!call) return finish(Outcome::dead(call.error()));
    const auto target = "GET " + url_for_people(call->http.url);
    sender_.send(std::move(*call), target,
                 [this, target, work = std::move(work), state = std::move(*state),
                  finish = std::move(finish)](auto result) mutable {
                   if (!result) return finish(result.error());
                   if (result->status >= 200 && result->status < 300)
                     return finish(page(work, std::move(state), *result));
                   Failure failure{"http.status", fmt::format("{} answered {}", target, result->status),
                                   response_details(*result)};
                   if (!settings_.retry_on.contains(result->status)) return finish(Outcome::dead(std::move(failure)));
                   finish(Outcome::later(std::move(failure),
                                         parse_retry_after(result->header("retry-after"), loop_.wall_now())));
                 });
  }

 private:
  Result<StepCall, Failure> page_call(const Work& work, const PollState& state) const {
    std::vector<jsonata::Binding> bindings;  // No cursor yet: $cursor is undefined.
    if (!state.cursor.empty()) bindings.push_back({"cursor", state.cursor});
    const auto url = state.next.empty() ? std::optional<std::string>() : state.next;
    return calls_.call(work.message.envelope(), work.execution_id, bindings, url);
  }

  /// One page has come: what of it goes on, and where to go on from.
  Outcome page(const Work& work, PollState state, const HttpAnswer& answer) const {
    // As text, a broken response would have no items, and nobody would know.
    auto body = response_body(answer, claims_json(answer) ? ResponseForm::json : ResponseForm::by_type);
    if (!body) {
      return Outcome::later(
          {"http.response", url_for_people(answer.url) + ": " + body.error().message, response_details(answer)});
    }
    const auto headers = response_headers(answer);
    const std::string document = "{\"body\":" + *body + ",\"statusCode\":" + std::to_string(answer.status) +
                                 ",\"headers\":" + std::string(component::json_text::member(headers, "headers")) + "}";

    auto items = settings_.items->evaluate(document, work.execution_id);
    if (!items) return Outcome::dead(items.error());
    std::string list = items->value_or("[]");
    if (list == "null") list = "[]";
    if (component::json_text::trimmed(list).front() != '[') list = "[" + list + "]";

    Outcome outcome;
    if (auto failure = take_items(work, state, list, outcome)) return Outcome::dead(std::move(*failure));
    if (settings_.cursor) {
      const std::string old = !state.cursor_pending.empty() ? state.cursor_pending : state.cursor;
      std::vector<jsonata::Binding> bindings{{"items", list}};
      if (!old.empty()) bindings.push_back({"cursor", old});
      auto cursor = settings_.cursor->evaluate(document, work.execution_id, std::move(bindings));
      if (!cursor) return Outcome::dead(cursor.error());
      if (*cursor && **cursor != "null") state.cursor_pending = **cursor;
    }
    auto next = next_page(work, document, answer.url);
    if (!next) return Outcome::dead(next.error());
    move_on(state, std::move(*next), outcome);
    auto snapshot = state.json();
    if (snapshot != work.snapshot) outcome.snapshot = std::move(snapshot);
    outcome.filtered = outcome.emissions.empty();
    return outcome;
  }

  void move_on(PollState& state, std::string next, Outcome& outcome) const {
    ++state.pages;
    if (next.empty()) {
      if (!state.cursor_pending.empty()) state.cursor = std::move(state.cursor_pending);
      state.cursor_pending.clear();
      state.tick.clear();
      state.next.clear();
      state.pages = 0;
      return;
    }
    state.next = std::move(next);
    outcome.more = state.pages < settings_.pages_max;
    if (outcome.more) return;
    state.tick.clear();  // The next tick goes on here.
    state.pages = 0;
  }

  std::optional<Failure> take_items(const Work& work, PollState& state, const std::string& list,
                                    Outcome& outcome) const {
    std::optional<Failure> failure;
    std::size_t index = 0;
    const auto walked = component::json_text::elements(list, [&](std::string_view item) {
      if (failure) return;
      Emission emission{.body = std::string(item)};
      if (!settings_.id) {
        emission.identity = fmt::format("{}\n{}\n{}", work.message_id, state.pages, index++);
        outcome.emissions.push_back(std::move(emission));
        return;
      }
      auto id = settings_.id->evaluate(item, work.execution_id);
      if (!id) {
        failure = id.error();
      } else if (!*id) {
        failure = Failure{"poll.id", "config.id yields nothing for an item", emission.body.substr(0, 4096)};
      } else if (state.note(**id, item, settings_.seen_max)) {
        emission.identity = **id + "\n" + short_hash(item);
        outcome.emissions.push_back(std::move(emission));
      }
    });
    if (!walked) return Failure{"poll.items", walked.error().message};
    return failure;
  }

  /// URL of the next page, or empty on the last.
  Result<std::string, Failure> next_page(const Work& work, const std::string& document, const std::string& url) const {
    if (!settings_.next) return std::string();
    auto next = settings_.next->evaluate(document, work.execution_id);
    if (!next) return next.error();
    const auto text = component::json_text::unquoted(next->value_or("null")).value_or(std::string());
    if (text.empty()) return std::string();
    auto absolute = resolved(url, text);
    if (absolute.empty()) return Failure{"poll.next", "config.next yields \"" + url_for_people(text) + "\", no URL"};
    // A page that names itself as the next one would be asked for without end.
    if (absolute == url) absolute.clear();
    return absolute;
  }

  Settings settings_;
  CallMaker calls_;
  AuthorizedCalls sender_;
  io::Loop& loop_;
};

Result<std::unique_ptr<component::Action>> make_poll(const Descriptor& descriptor, const boost::json::object& given,
                                                     component::Services& services) {
  auto config = component::Config::read(descriptor, given);
  if (!config) return config.error();
  Settings settings;
  for (const auto& [name, field] : {std::pair{"items", &settings.items}, std::pair{"id", &settings.id},
                                    std::pair{"cursor", &settings.cursor}, std::pair{"next", &settings.next}}) {
    if (!config->has(name)) continue;
    auto compiled = StepExpression::compile(config->text(name), std::string("config.") + name, services);
    if (!compiled) return compiled.error();
    field->emplace(std::move(*compiled));
  }
  settings.pages_max = static_cast<std::uint64_t>(config->integer("pages_max"));
  settings.seen_max = static_cast<std::size_t>(config->integer("seen_max"));
  auto retry_on = StatusSet::parse({"408", "425", "429", "500", "502-504"}, "retry_on");
  if (!retry_on) return retry_on.error();
  settings.retry_on = std::move(*retry_on);
  auto calls = CallMaker::make(*config, services);
  if (!calls) return calls.error();
  auto transfers = services.outside.transfers();
  if (!transfers) return transfers.error();
  return std::unique_ptr<component::Action>(
      std::make_unique<Poll>(std::move(settings), std::move(*calls), std::move(*transfers), services));
}

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
      "Goes page by page; each page's items and the new position are committed together, so a restart goes on where it "
      "was.";
  it.fields = fields();
  it.check = check;
  it.credential_types = http_credential_types();
  it.credential_replaces = {"auth", "username", "password", "token"};
  it.emits = "One item.";
  it.examples = {{"New and changed contacts", R"(- id: contacts
  trigger: http.poll
  config:
    every: 1m
    url: https://crm.example.com/contacts
    query: { updated_since: "{{ $cursor }}" }
    items: body.data
    id: id
    cursor: $max($append($items.updated_at, $cursor))
    next: body.links.next
  credential: crm
)"}};
  return {it,
          [it](const boost::json::object& config, component::Services& services) {
            return make_poll(it, config, services);
          },
          [it](const boost::json::object& config, component::Services& services, std::function<void(Status)> done) {
            return verify_http_login(it, config, services, std::move(done));
          }};
}

}  // namespace millrace::components
