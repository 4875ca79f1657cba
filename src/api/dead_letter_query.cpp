#include "api/dead_letter_query.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/responses.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;
using Query = DeadLetters::Query;

constexpr std::array<std::pair<std::string_view, std::string Query::*>, 4> texts = {
    {{"flow", &Query::flow}, {"step", &Query::step}, {"code", &Query::code}, {"text", &Query::text}}};
constexpr std::array<std::pair<std::string_view, std::optional<std::int64_t> Query::*>, 2> times = {
    {{"failed_before", &Query::failed_before}, {"failed_after", &Query::failed_after}}};

Error no_time(std::string_view name) {
  return {Error::Kind::invalid, fmt::format("{} must be a time, in milliseconds since the Unix epoch", name)};
}

json::object to_json(const DeadLetters::Changed& changed, bool dry_run) {
  json::array left;
  for (const auto& [why, count] : changed.left) left.push_back({{"reason", why}, {"count", count}});
  return {{"count", changed.count}, {"dry_run", dry_run}, {"left", std::move(left)}};
}

/// One change of many, from its first batch to its answer; keeps itself alive.
class Sweep : public std::enable_shared_from_this<Sweep> {
 public:
  Sweep(const Services& services, Call call, DeadLetters::Change change, Query query)
      : services_(services), call_(std::move(call)), change_(change), query_(std::move(query)) {}

  void start(const DeadLetters::Changed& found) {
    newest_ = found.newest;
    go_on();
  }

 private:
  void go_on() {
    services_.dead_letters.change_some(change_, query_, place_, newest_,
                                       [self = shared_from_this()](const Result<DeadLetters::Some>& some) {
                                         some ? self->add(*some) : self->call_.respond(problem(some.error()));
                                       });
  }

  void add(const DeadLetters::Some& some) {
    total_.count += some.changed.count;
    for (const auto& [why, count] : some.changed.left) total_.left[why] += count;
    place_ = some.next;
    place_ ? go_on() : finish();
  }

  void finish() {
    const auto body = to_json(total_, false);
    const auto* action = change_ == DeadLetters::Change::retry ? "dead-letter.retry" : "dead-letter.drop";
    const auto change = services_.change(call_.caller);
    const store::AuditEntry entry{0,
                                  change.at,
                                  change.who,
                                  action,
                                  query_.flow.empty() ? "dead-letters" : "flow/" + query_.flow,
                                  json::serialize(call_.body),
                                  std::to_string(total_.count)};
    services_.store.run<Done>([entry](store::Database& database) { return store::Audit(database).write(entry); },
                              [respond = call_.respond, body](const Status& written) {
                                respond(written ? json_response(200, body) : problem(written.error()));
                              });
  }

  Services services_;
  Call call_;
  DeadLetters::Change change_;
  Query query_;
  std::optional<DeadLetters::Place> place_;
  std::uint64_t newest_ = 0;
  DeadLetters::Changed total_;
};

}  // namespace

Result<Query> dead_letter_query(const std::map<std::string, std::string>& parameters) {
  Query query;
  const auto asked = [&](std::string_view name) {
    const auto found = parameters.find(std::string(name));
    return found == parameters.end() ? std::string() : found->second;
  };
  for (const auto& [name, member] : texts) query.*member = asked(name);
  for (const auto& [name, member] : times) {
    const auto text = asked(name);
    if (text.empty()) continue;
    std::int64_t time = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), time);
    if (failed != std::errc() || end != text.data() + text.size()) return no_time(name);
    query.*member = time;
  }
  return query;
}

Result<Query> dead_letter_query(const json::object& body) {
  Query query;
  for (const auto& [name, member] : texts) {
    const auto* value = body.if_contains(name);
    if (value == nullptr) continue;
    if (!value->is_string()) return Error{Error::Kind::invalid, fmt::format("{} must be a text", name)};
    query.*member = std::string(value->get_string());
  }
  for (const auto& [name, member] : times) {
    const auto* value = body.if_contains(name);
    if (value == nullptr) continue;
    if (!value->is_int64()) return no_time(name);
    query.*member = value->get_int64();
  }
  return query;
}

void change_dead_letters(const Services& services, const Call& call, DeadLetters::Change change) {
  const auto invalid = [&](const std::string& what) { call.respond(problem(400, "Bad request", what)); };
  bool all = false;
  bool dry_run = false;
  bool narrowed = false;
  for (const auto& [name, value] : call.body) {
    const auto is_it = [&name](const auto& known) { return known.first == name; };
    if (std::ranges::any_of(texts, is_it) || std::ranges::any_of(times, is_it)) {
      narrowed = true;
    } else if ((name == "all" || name == "dry_run") && value.is_bool()) {
      (name == "all" ? all : dry_run) = value.get_bool();
    } else {
      return invalid(fmt::format("{} is not known here, or no truth value", std::string_view(name)));
    }
  }
  if (!all && !narrowed)
    return invalid(R"(say which: flow, step, code, text, failed_before, failed_after, or "all": true)");
  const auto query = dead_letter_query(call.body);
  if (!query) return call.respond(problem(query.error()));
  services.dead_letters.look(
      change, *query, [services, call, change, query = *query, dry_run](const Result<DeadLetters::Changed>& found) {
        if (!found) return call.respond(problem(found.error()));
        if (dry_run) return call.respond(json_response(200, to_json(*found, true)));
        std::make_shared<Sweep>(services, call, change, query)->start(*found);
      });
}

}  // namespace millrace::api
