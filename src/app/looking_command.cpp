#include "app/looking_command.hpp"

#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
using Row = std::vector<std::string>;

/// All items of a collection, of one flow if it is given: as a table, or as JSON under a name.
int show(const ApiOptions& options, const std::string& path, const char* name, const Row& heads,
         const std::function<Row(const json::object&)>& row_of) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto query = options.flow.empty() ? "" : "?flow=" + percent_encoded(options.flow);
    const auto answer = client.ask({.target = path + query});
    if (!answer) return answer.error();
    const auto& items = answer->body.at("items").as_array();
    if (options.json) {
      fmt::print("{}\n", json::serialize(json::object{{name, items}}));
      return Done{};
    }
    std::vector<Row> rows = {heads};
    for (const auto& item : items) rows.push_back(row_of(item.as_object()));
    print_table(rows);
    return Done{};
  });
}

std::string age_of(const json::object& queue) {
  const auto* at = queue.if_contains("oldest_at");
  if (at == nullptr || !at->is_int64()) return "-";
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()).time_since_epoch();
  return fmt::format("{} s", std::max<std::int64_t>(0, now.count() - at->get_int64() / 1000));
}

std::string last_end_of(const json::object& worker) {
  const auto* end = worker.if_contains("last_end");
  return end == nullptr ? "-" : cell(end->as_object(), "reason");
}

std::string failing_of(const json::object& schedule) {
  const auto* failing = schedule.at("failing").if_object();
  if (failing == nullptr) return "-";
  return fmt::format("{} (since {}, {} attempts, again {})", cell(*failing, "reason"), time_cell(*failing, "since"),
                     cell(*failing, "attempts"), time_cell(*failing, "next_try_at"));
}

/// The trigger whose snapshot is meant: FLOW/STEP, or the one trigger of FLOW.
Result<std::string> snapshot_path(ApiClient& client, const std::string& text) {
  const auto slash = text.find('/');
  const auto flow = text.substr(0, slash);
  auto step = slash == std::string::npos ? std::string() : text.substr(slash + 1);
  if (step.empty()) {
    const auto schedules = client.ask({.target = "/v1/schedules?flow=" + percent_encoded(flow)});
    if (!schedules) return schedules.error();
    const auto& items = schedules->body.at("items").as_array();
    if (items.empty()) {
      return Error{Error::Kind::not_found,
                   fmt::format("the flow {} has no polling trigger that runs (name it: FLOW/STEP)", flow)};
    }
    step = cell(items.front().as_object(), "step");
  }
  return fmt::format("/v1/flows/{}/steps/{}/snapshot", percent_encoded(flow), percent_encoded(step));
}

int on_snapshot(const ApiOptions& options, const std::string& method) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto path = snapshot_path(client, options.flow);
    if (!path) return path.error();
    const auto answer = client.ask({.method = method, .target = *path});
    if (!answer) return answer.error();
    const auto& snapshot = answer->body.as_object();
    if (options.json || method == "GET") {
      fmt::print("{}\n", json::serialize(options.json ? answer->body : snapshot.at("snapshot")));
    } else {
      fmt::print("{}/{}  reset, was {}\n", cell(snapshot, "flow"), cell(snapshot, "step"),
                 json::serialize(snapshot.at("snapshot")));
    }
    return Done{};
  });
}

}  // namespace

int list_queues(const ApiOptions& options) {
  const Row heads = {"QUEUE", "READY", "IN WORK", "CONSUMERS", "OLDEST", "IN ALL"};
  return show(options, "/v1/queues", "queues", heads, [](const json::object& queue) {
    return Row{cell(queue, "name"),      cell(queue, "ready"), cell(queue, "in_work"),
               cell(queue, "consumers"), age_of(queue),        cell(queue, "published_total")};
  });
}

int list_workers(const ApiOptions& options) {
  const Row heads = {"WORKER", "VERSION", "PHASE", "PID", "CONTAINER", "STARTS", "CRASHES", "LAST END"};
  return show(options, "/v1/workers", "workers", heads, [](const json::object& worker) {
    return Row{cell(worker, "name"),      cell(worker, "version"), cell(worker, "phase"),   cell(worker, "pid"),
               cell(worker, "container"), cell(worker, "starts"),  cell(worker, "crashes"), last_end_of(worker)};
  });
}

int list_schedules(const ApiOptions& options) {
  const Row heads = {"TRIGGER", "SCHEDULE", "STATE", "LAST", "NEXT", "FAILING"};
  return show(options, "/v1/schedules", "schedules", heads, [](const json::object& schedule) {
    return Row{cell(schedule, "flow") + "/" + cell(schedule, "step"),
               cell(schedule, "text"),
               cell(schedule, "state"),
               time_cell(schedule, "last_at"),
               time_cell(schedule, "next_at"),
               failing_of(schedule)};
  });
}

int list_members(const ApiOptions& options) {
  const Row heads = {"MEMBER", "ADDRESS", "SINCE", "LAST SEEN", "STATE", "THIS ONE"};
  return show(options, "/v1/members", "members", heads, [](const json::object& member) {
    const auto is = [&](const char* name) { return member.at(name).as_bool(); };
    return Row{cell(member, "name"),
               cell(member, "address"),
               time_cell(member, "since"),
               time_cell(member, "last_seen"),
               is("leads")   ? "leads"
               : is("alive") ? "alive"
                             : "gone",
               is("this") ? "yes" : "-"};
  });
}

int show_snapshot(const ApiOptions& options) {
  return on_snapshot(options, "GET");
}

int reset_snapshot(const ApiOptions& options) {
  return on_snapshot(options, "DELETE");
}

}  // namespace millrace::app
