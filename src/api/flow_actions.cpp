#include <array>

#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;
using store::FlowState;

/// What may be asked of a flow, and in which states.
struct Action {
  std::string_view path;
  std::string_view name;  ///< in the audit log
  FlowState wanted;
  std::array<FlowState, 2> from;  ///< besides the wanted one, in which nothing happens
};

constexpr std::array<Action, 4> actions = {{
    {"/v1/flows/{flow}/start", "flow.start", FlowState::running, {FlowState::stopped, FlowState::stopped}},
    {"/v1/flows/{flow}/stop", "flow.stop", FlowState::stopped, {FlowState::running, FlowState::suspended}},
    {"/v1/flows/{flow}/suspend", "flow.suspend", FlowState::suspended, {FlowState::running, FlowState::running}},
    {"/v1/flows/{flow}/resume", "flow.resume", FlowState::running, {FlowState::suspended, FlowState::suspended}},
}};

Result<store::FlowInUse> apply(store::Database& database, const std::string& name, const Action& action,
                               const deployment::Change& change) {
  const auto flow = store::Flows(database).find(name);
  if (!flow) return flow.error();
  const bool allowed = flow->state == action.wanted || flow->state == action.from[0] || flow->state == action.from[1];
  if (!allowed) {
    return Error{Error::Kind::conflict,
                 fmt::format("the flow {} is {}: only a flow that is {} can {}", name, to_string(flow->state),
                             to_string(action.from[0]), action.name.substr(action.name.find('.') + 1))};
  }
  return deployment::set_state(database, name, action.wanted, std::string(action.name), change);
}

void act(const Services& services, const Action& action, const Call& call) {
  services.store.run<store::FlowInUse>(
      [name = call.path[0], action, change = services.change(call.caller)](store::Database& database) {
        return apply(database, name, action, change);
      },
      [services, respond = call.respond](const Result<store::FlowInUse>& flow) {
        if (!flow) return respond(problem(flow.error()));
        services.deployments.follow(*flow);
        respond(json_response(200, json::object{{"name", flow->name}, {"state", to_string(flow->state)}}));
      });
}

void run_now(const Services& services, const Call& call) {
  const auto& name = call.path[0];
  std::string body = "{}";
  for (const auto& [field, value] : call.body) {
    if (field != "body") {
      return call.respond(problem(400, "Bad request", "only \"body\" is known: what the webhook would be sent"));
    }
    body = json::serialize(value);
  }
  if (services.deployments.deployed().find(name) == nullptr) {
    return call.respond(problem(404, "Not found", fmt::format("there is no flow {} that runs", name)));
  }
  const auto key = std::string(call.request.header("idempotency-key"));
  services.deployments.run_now(name, body, key, [respond = call.respond](const Result<std::string>& execution) {
    respond(execution ? json_response(202, json::object{{"execution", *execution}}) : problem(execution.error()));
  });
}

}  // namespace

void add_flow_actions(Operations& operations, const Services& services) {
  for (const auto& action : actions) {
    operations.push_back({"POST", action.path, Scope::operate,
                          [services, action](const Call& call) { act(services, action, call); },
                          Operation::Body::json});
  }
  constexpr std::uint64_t message_size_max = 10'000'000;
  operations.push_back({"POST",
                        "/v1/flows/{flow}/run",
                        Scope::operate,
                        [services](const Call& call) { run_now(services, call); },
                        Operation::Body::json,
                        {},
                        message_size_max});
}

}  // namespace millrace::api
