#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/schedule_report.hpp"
#include "api/services.hpp"
#include "deployment/topology.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using deployment::in_flight;
using io::posix::problem;

json::value webhook_json(const gateway::Route* route) {
  if (route == nullptr) return nullptr;
  return json::object{{"path", "/" + route->path},
                      {"methods", json::array(route->methods.begin(), route->methods.end())}};
}

json::value schedule_json(const std::optional<scheduler::Scheduler::Upcoming>& upcoming) {
  if (!upcoming) return nullptr;
  return schedule_report(*upcoming);
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  using Flows = std::vector<store::FlowRecord>;
  services.store.run<Flows>([after = call.asked("cursor"), limit = *limit](
                                store::Database& database) { return store::Flows(database).list(after, limit); },
                            [services, respond = call.respond, limit = *limit](const Result<Flows>& flows) {
                              if (!flows) return respond(problem(flows.error()));
                              json::array items;
                              for (const auto& flow : *flows) items.push_back(flow_json(flow, services));
                              const bool full = static_cast<std::int64_t>(flows->size()) == limit;
                              respond(page(std::move(items), full ? flows->back().name : ""));
                            });
}

void show(const Services& services, const Call& call) {
  services.store.run<store::FlowRecord>(
      [name = call.path[0]](store::Database& database) { return store::Flows(database).find(name); },
      [services, respond = call.respond](const Result<store::FlowRecord>& flow) {
        respond(flow ? json_response(200, flow_json(*flow, services)) : problem(flow.error()));
      });
}

/// Messages of the flow that would be lost with it: in flight, and dead letters.
std::uint64_t messages_of(const Services& services, const std::string& name) {
  std::uint64_t messages = 0;
  if (const auto* flow = services.deployments.deployed().find(name)) {
    for (const auto& [number, version] : flow->versions) messages += in_flight(services.broker, version.plan);
  }
  return messages + services.dead_letters.count(name).waiting;
}

void remove(const Services& services, const Call& call) {
  const auto& name = call.path[0];
  const auto discard = call.asked("discard");
  if (!discard.empty() && discard != "true" && discard != "false") {
    return call.respond(problem(400, "Bad request", "discard must be true or false"));
  }
  if (const auto messages = messages_of(services, name); messages > 0 && discard != "true") {
    return call.respond(problem(409, "Conflict",
                                fmt::format("the flow {} has {} messages in flight or dead (stop it and wait, or give "
                                            "discard=true to lose them)",
                                            name, messages)));
  }
  services.store.run<store::FlowInUse>(
      [name, change = services.change(call.caller)](store::Database& database) {
        return deployment::set_state(database, name, store::FlowState::deleting, "flow.delete", change);
      },
      [services, respond = call.respond, name](const Result<store::FlowInUse>& flow) {
        if (!flow) return respond(problem(flow.error()));
        services.deployments.follow(*flow);
        respond(json_response(202, json::object{{"name", name}, {"state", "deleting"}}));
      });
}

}  // namespace

json::object flow_json(const store::FlowRecord& record, const Services& services) {
  json::object flow = {{"name", record.name},         {"state", to_string(record.state)}, {"version", nullptr},
                       {"origin", record.origin},     {"revision", record.revision},      {"saved_by", record.saved_by},
                       {"saved_at", record.saved_at}, {"created_at", record.created_at}};
  if (record.current > 0) flow["version"] = record.current;
  flow["webhook"] = webhook_json(services.gateway.route(record.name));
  flow["schedule"] = schedule_json(services.scheduler.upcoming(record.name));
  json::array versions;
  json::array problems;
  if (const auto* deployed = services.deployments.deployed().find(record.name)) {
    for (const auto& [number, version] : deployed->versions) {
      const bool current = version.stage == deployment::Version::Stage::current;
      versions.push_back(json::object{{"version", number},
                                      {"state", current ? "current" : "draining"},
                                      {"in_flight", in_flight(services.broker, version.plan)}});
      for (const auto& one : version.problems) problems.emplace_back(one.to_string());
    }
  }
  flow["versions_in_use"] = std::move(versions);
  flow["dead_letters"] = services.dead_letters.count(record.name).waiting;
  flow["problems"] = std::move(problems);
  return flow;
}

void add_flow_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/flows",
                        Scope::flows_read,
                        [services](const Call& call) { list(services, call); },
                        Operation::Body::none,
                        {"cursor", "limit"},
                        0});
  operations.push_back({"GET",
                        "/v1/flows/{flow}",
                        Scope::flows_read,
                        [services](const Call& call) { show(services, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"DELETE",
                        "/v1/flows/{flow}",
                        Scope::flows_write,
                        [services](const Call& call) { remove(services, call); },
                        Operation::Body::none,
                        {"discard"},
                        0});
}

}  // namespace millrace::api
