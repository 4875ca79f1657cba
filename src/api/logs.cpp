#include <charconv>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;

struct Asked {
  StepLogs::Query query;
  std::size_t limit = 100;
};

/// A number of the query, or of the header Last-Event-ID.
Result<std::uint64_t> number(std::string_view text, std::string_view name, std::uint64_t otherwise,
                             std::uint64_t max = std::numeric_limits<std::int64_t>::max()) {
  if (text.empty()) return otherwise;
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value > max) {
    return Error{Error::Kind::invalid, fmt::format("{} must be a whole number up to {}", name, max)};
  }
  return value;
}

Result<Asked> read(const Call& call) {
  Asked asked;
  asked.query.flow = call.path[0];
  if (call.path.size() > 1) asked.query.step = call.path[1];
  const auto limit = number(call.asked("limit"), "limit", asked.limit, StepLogs::lines_max);
  if (!limit) return limit.error();
  const auto since = number(call.asked("since"), "since", 0);
  if (!since) return since.error();
  const auto last_id = call.request.header("last-event-id");
  const auto after = number(last_id.empty() ? call.asked("after") : std::string(last_id), "after", 0);
  if (!after) return after.error();
  if (const auto text = call.asked("level"); !text.empty()) {
    const auto level = log::level_of(text);
    if (!level) return Error{Error::Kind::invalid, "level must be debug, info, warning or error"};
    asked.query.level_min = *level;
  }
  asked.limit = *limit;
  asked.query.since = static_cast<std::int64_t>(*since);
  asked.query.after = *after;
  return asked;
}

Status is_there(const Services& services, const StepLogs::Query& query) {
  const auto* flow = services.deployments.deployed().find(query.flow);
  if (services.logs.knows(query.flow, query.step)) return Done{};
  if (flow == nullptr) return Error{Error::Kind::not_found, fmt::format("there is no flow {} that runs", query.flow)};
  if (query.step.empty()) return Done{};
  for (const auto& [number, version] : flow->versions) {
    if (version.plan.trigger.step == query.step) return Done{};
    for (const auto& worker : version.plan.workers) {
      if (worker.step == query.step) return Done{};
    }
  }
  return Error{Error::Kind::not_found, fmt::format("the flow {} has no step {}", query.flow, query.step)};
}

void show(const Services& services, const Call& call) {
  const auto asked = read(call);
  if (!asked) return call.respond(problem(asked.error()));
  if (auto there = is_there(services, asked->query); !there) return call.respond(problem(there.error()));
  if (accepts_events(call.request)) return call.respond(services.logs.follow(asked->query, asked->limit));
  json::array items;
  for (const auto* entry : services.logs.last(asked->query, asked->limit)) items.push_back(entry->to_json());
  call.respond(page(std::move(items), ""));
}

}  // namespace

void add_log_operations(Operations& operations, const Services& services) {
  for (const std::string_view path : {"/v1/flows/{flow}/logs", "/v1/flows/{flow}/steps/{step}/logs"}) {
    operations.push_back({"GET",
                          path,
                          Scope::operate,
                          [services](const Call& call) { show(services, call); },
                          Operation::Body::none,
                          {"limit", "since", "level", "after"},
                          0});
  }
}

}  // namespace millrace::api
