// Queues, snapshots and schedules of flows: what an operator looks at.
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "api/responses.hpp"
#include "api/schedule_report.hpp"
#include "api/services.hpp"
#include "component/json_document.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
namespace names = flow::names;
using io::posix::problem;

/// When the oldest message that waits was made, ms since the Unix epoch; null if none waits, or it does not say.
json::value oldest_at(const broker::Queues& broker, const broker::QueueStatus& queue) {
  if (queue.ready == 0) return nullptr;
  const auto first = broker.peek(queue.name, 0, 1);
  if (!first || first->empty()) return nullptr;
  const auto properties = amqp::decode_properties(first->front()->properties);
  if (!properties || !properties->timestamp) return nullptr;
  return static_cast<std::int64_t>(*properties->timestamp) * 1000;
}

json::object queue_json(const broker::Queues& broker, const broker::QueueStatus& queue, std::string_view kind) {
  return {{"name", queue.name},
          {"kind", kind},
          {"ready", queue.ready},
          {"in_work", queue.unsettled},
          {"arriving", queue.arriving},
          {"consumers", queue.consumers},
          {"oldest_at", oldest_at(broker, queue)},
          {"published_total", queue.published_total},
          {"settled_total", queue.settled_total}};
}

void list_queues(const Services& services, const Call& call) {
  const auto wanted = call.asked("flow");
  json::array items;
  const auto add = [&](const std::string& name, std::string_view kind, json::object place) {
    const auto queue = services.broker.queue(name);
    if (!queue) return;
    for (auto& [key, value] : queue_json(services.broker, *queue, kind)) place[key] = std::move(value);
    items.push_back(std::move(place));
  };
  for (const auto& [flow_name, flow] : services.deployments.deployed().flows()) {
    if (!wanted.empty() && wanted != flow_name) continue;
    for (const auto& [number, version] : flow.versions) {
      for (const auto& worker : version.plan.workers) {
        const json::object place = {{"flow", flow_name}, {"version", number}, {"step", worker.step}};
        add(worker.queue(), "step", place);
        add(worker.rebounds(), "rebounds", place);
      }
    }
    add(names::dead_letter_queue(flow_name), "dead-letters", {{"flow", flow_name}});
  }
  call.respond(page(std::move(items), ""));
}

void list_schedules(const Services& services, const Call& call) {
  const auto wanted = call.asked("flow");
  json::array items;
  for (const auto& upcoming : services.scheduler.all_upcoming()) {
    if (!wanted.empty() && wanted != upcoming.flow) continue;
    auto item = schedule_report(upcoming);
    item["flow"] = upcoming.flow;
    item["step"] = upcoming.step;
    items.push_back(std::move(item));
  }
  call.respond(page(std::move(items), ""));
}

/// The step's plan in the version that new events go to, if it keeps a snapshot.
Status keeps_snapshot(const Services& services, const std::string& flow, const std::string& step) {
  const auto* found = services.deployments.deployed().find(flow);
  if (found == nullptr) return Error{Error::Kind::not_found, fmt::format("there is no flow {} that runs", flow)};
  const auto* current = found->current();
  const bool polls = current != nullptr && current->plan.ticks && current->plan.ticks->polls;
  if (polls && current->plan.ticks->step == step) return Done{};
  return Error{Error::Kind::not_found,
               fmt::format("{}/{} keeps no snapshot: only polling triggers have one", flow, step)};
}

/// Tells `found` of it, or answers why it cannot be had.
void find_snapshot(const Services& services, const Call& call, const std::function<void(json::object)>& found) {
  const auto& flow = call.path[0];
  const auto& step = call.path[1];
  const auto tell = [respond = call.respond, flow, step, found](const Result<broker::MessagePtr>& kept) {
    if (!kept) return respond(problem(kept.error()));
    json::object snapshot = {{"flow", flow}, {"step", step}, {"snapshot", nullptr}};
    if (*kept) snapshot["snapshot"] = component::document_or_text((*kept)->body);
    found(std::move(snapshot));
  };
  services.broker.last(names::snapshot_queue(flow, step), tell);
}

void show_snapshot(const Services& services, const Call& call) {
  const auto& flow = call.path[0];
  const auto& step = call.path[1];
  if (auto known = keeps_snapshot(services, flow, step); !known) return call.respond(problem(known.error()));
  find_snapshot(services, call,
                [respond = call.respond](const json::object& snapshot) { respond(json_response(200, snapshot)); });
}

/// A worker holds its snapshot in memory, and would write it again: so there must be none.
bool has_worker(const Services& services, const std::string& flow, const std::string& step) {
  for (const auto& worker : services.workers()) {
    if (worker.at("flow").as_string() == flow && worker.at("step").as_string() == step) return true;
  }
  return false;
}

void purge_snapshot(const Services& services, const Call& call, const json::object& before) {
  const auto& flow = call.path[0];
  const auto& step = call.path[1];
  const auto change = services.change(call.caller);
  const store::AuditEntry entry{0, change.at, change.who, "snapshot.reset", "flow/" + flow, step, "reset"};
  const auto written = [services, respond = call.respond, before, entry](const Status& purged) {
    if (!purged) return respond(problem(purged.error()));
    services.store.run<Done>(
        [entry](store::Database& database) { return store::Audit(database).write(entry); },
        [respond, before](const Status& done) { respond(done ? json_response(200, before) : problem(done.error())); });
  };
  const auto purged = services.broker.purge_queue(services.session, names::snapshot_queue(flow, step), written);
  if (!purged) call.respond(problem(503, "Service unavailable", purged.error().text));
}

void reset_snapshot(const Services& services, const Call& call) {
  const auto& flow = call.path[0];
  const auto& step = call.path[1];
  if (auto known = keeps_snapshot(services, flow, step); !known) return call.respond(problem(known.error()));
  if (has_worker(services, flow, step)) {
    return call.respond(problem(409, "Conflict",
                                fmt::format("the worker of {}/{} holds its position (suspend the flow, reset it once "
                                            "the worker has ended, then resume)",
                                            flow, step)));
  }
  find_snapshot(services, call,
                [services, call](const json::object& before) { purge_snapshot(services, call, before); });
}

}  // namespace

void add_queue_operations(Operations& operations, const Services& services) {
  using Handle = void (*)(const Services&, const Call&);
  const auto add = [&](std::string_view method, std::string_view path, Scope scope, Handle handle,
                       std::vector<std::string_view> query) {
    operations.push_back({method, path, scope, [services, handle](const Call& call) { handle(services, call); },
                          Operation::Body::none, std::move(query), 0});
  };
  add("GET", "/v1/queues", Scope::flows_read, &list_queues, {"flow"});
  add("GET", "/v1/schedules", Scope::flows_read, &list_schedules, {"flow"});
  add("GET", "/v1/flows/{flow}/steps/{step}/snapshot", Scope::operate, &show_snapshot, {});
  add("DELETE", "/v1/flows/{flow}/steps/{step}/snapshot", Scope::operate, &reset_snapshot, {});
}

}  // namespace millrace::api
