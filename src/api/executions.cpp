#include <charconv>
#include <functional>
#include <memory>

#include <fmt/format.h>

#include "api/execution_report.hpp"
#include "api/responses.hpp"
#include "api/services.hpp"
#include "core/time/timestamp.hpp"
#include "deployment/topology.hpp"
#include "history/search.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using history::State;
using io::posix::problem;

/// How long records may be on their way here: what is younger may still be running whatever the queues say.
constexpr std::int64_t on_the_way = 3'000;  // ms

/// Whether the records alone say what state it is in: not what has become of that which they leave open.
bool is_known(const Services& services, const history::Summary& summary) {
  if (summary.state != State::running || services.now() - summary.last_at < on_the_way) return true;
  const auto* version = services.deployments.deployed().find(summary.flow, summary.version);
  return version != nullptr && deployment::in_flight(services.broker, version->plan) > 0;
}

using Letters = std::vector<DeadLetter>;

/// Its dead letters, at most `limit`.
void with_letters(const Services& services, const history::Summary& summary, std::size_t limit,
                  std::function<void(Result<Letters>)> then) {
  services.dead_letters.page({.flow = summary.flow, .execution = summary.id}, std::nullopt, limit,
                             [then = std::move(then)](Result<DeadLetters::Page> page) {
                               then(page ? Result<Letters>(std::move(page->letters)) : page.error());
                             });
}

/// Finds out the states of a page of executions, one by one, and then answers; keeps itself alive.
class Answer : public std::enable_shared_from_this<Answer> {
 public:
  Answer(const Services& services, io::posix::Respond respond, std::string wanted, history::Found found)
      : services_(services), respond_(std::move(respond)), wanted_(std::move(wanted)), found_(std::move(found)) {}

  void go_on() {
    for (; next_ < found_.executions.size(); ++next_) {
      const auto& summary = found_.executions[next_].summary;
      if (!is_known(services_, summary)) return ask(summary);
      add(summary, summary.state);
    }
    const auto cursor = found_.next ? fmt::format("{}.{}", found_.next->segment, found_.next->entry) : "";
    respond_(page(std::move(items_), cursor));
  }

 private:
  void ask(const history::Summary& summary) {
    with_letters(services_, summary, 1, [self = shared_from_this(), &summary](const Result<Letters>& letters) {
      if (!letters) return self->respond_(problem(letters.error()));
      self->add(summary, letters->empty() ? State::incomplete : State::failed);
      ++self->next_;
      self->go_on();
    });
  }
  void add(const history::Summary& summary, State state) {
    if (wanted_.empty() || wanted_ == to_string(state)) items_.push_back(summary_json(summary, state));
  }

  Services services_;
  io::posix::Respond respond_;
  std::string wanted_;
  history::Found found_;
  std::size_t next_ = 0;
  json::array items_;
};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// A time as a parameter: ms since the Unix epoch, or RFC 3339 in UTC; 0 if it is not given.
Result<std::int64_t> time_of(const Call& call, const std::string& name) {
  const auto text = call.asked(name);
  if (text.empty()) return std::int64_t{0};
  if (const auto milliseconds = number<std::int64_t>(text)) return *milliseconds;
  const auto time = parse_timestamp(text);
  if (time) return std::int64_t{time->time_since_epoch().count()};
  return Error{Error::Kind::invalid,
               fmt::format("{} must be a time: ms since the Unix epoch, or such as 2026-01-31T12:00:00Z", name)};
}

Result<std::optional<history::Position>> position_of(const std::string& cursor) {
  if (cursor.empty()) return std::optional<history::Position>();
  const auto dot = std::min(cursor.find('.'), cursor.size());
  const auto segment = number<std::uint32_t>(std::string_view(cursor).substr(0, dot));
  const auto entry = number<std::uint32_t>(std::string_view(cursor).substr(std::min(dot + 1, cursor.size())));
  if (segment && entry) return std::optional(history::Position{*segment, *entry});
  return Error{Error::Kind::invalid, "cursor is none of ours"};
}

Result<history::Query> query_of(const Call& call) {
  history::Query query;
  query.flow = call.asked("flow");
  query.step = call.asked("step");
  query.error = call.asked("error");
  if (const auto text = call.asked("version"); !text.empty()) {
    const auto version = number<std::int64_t>(text);
    if (!version || *version < 1) return Error{Error::Kind::invalid, "version must be the number of a version"};
    query.version = *version;
  }
  const auto since = time_of(call, "since");
  if (!since) return since.error();
  const auto until = time_of(call, "until");
  if (!until) return until.error();
  query.since = *since;
  query.until = *until;
  if (const auto text = call.asked("state"); !text.empty()) {
    const auto state = history::state_of(text);
    if (!state) return Error{Error::Kind::invalid, "state must be running, done, failed or incomplete"};
    query.states.push_back(*state);
    // What the records leave open may turn out to be incomplete.
    if (*state == State::incomplete) query.states.push_back(State::running);
  }
  return query;
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  const auto query = query_of(call);
  const auto from = position_of(call.asked("cursor"));
  if (!limit) return call.respond(problem(limit.error()));
  if (!query) return call.respond(problem(query.error()));
  if (!from) return call.respond(problem(from.error()));
  services.recorder.ask<history::Found>(
      [query = *query, from = *from, limit = *limit](history::History& history) {
        return history::search(history, query, history::Order::newest_first, from, static_cast<std::size_t>(limit));
      },
      [services, respond = call.respond, wanted = call.asked("state")](history::Found found) {
        std::make_shared<Answer>(services, respond, wanted, std::move(found))->go_on();
      });
}

void show(const Services& services, const Call& call) {
  using Loaded = Result<history::Execution>;
  services.recorder.ask<Loaded>([id = call.path[0]](history::History& history) { return history::load(history, id); },
                                [services, respond = call.respond](const Loaded& execution) {
                                  if (!execution) return respond(problem(execution.error()));
                                  const auto show_with = [services, respond,
                                                          execution = *execution](const Result<Letters>& letters) {
                                    if (!letters) return respond(problem(letters.error()));
                                    const auto& summary = execution.summary;
                                    auto state = summary.state;
                                    if (!is_known(services, summary))
                                      state = letters->empty() ? State::incomplete : State::failed;
                                    auto body = summary_json(summary, state);
                                    body["messages"] = messages_json(execution);
                                    json::array dead;
                                    for (const auto& letter : *letters) dead.push_back(letter.to_json(false));
                                    body["dead_letters"] = std::move(dead);
                                    respond(json_response(200, body));
                                  };
                                  with_letters(services, execution->summary, 100, show_with);
                                });
}

}  // namespace

void add_execution_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/executions",
                        Scope::operate,
                        [services](const Call& call) { list(services, call); },
                        Operation::Body::none,
                        {"flow", "version", "state", "step", "error", "since", "until", "cursor", "limit"},
                        0});
  operations.push_back({"GET",
                        "/v1/executions/{id}",
                        Scope::operate,
                        [services](const Call& call) { show(services, call); },
                        Operation::Body::none,
                        {},
                        0});
}

}  // namespace millrace::api
