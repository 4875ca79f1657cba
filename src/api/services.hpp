#pragma once

#include <functional>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/dead_letters.hpp"
#include "api/operation.hpp"
#include "api/platform_events.hpp"
#include "api/step_logs.hpp"
#include "api/verification.hpp"
#include "broker/queues.hpp"
#include "component/action.hpp"
#include "credentials/component_keys.hpp"
#include "credentials/oauth2/visits.hpp"
#include "deployment/deployments.hpp"
#include "deployment/publication.hpp"
#include "flow/load.hpp"
#include "gateway/gateway.hpp"
#include "history/recorder.hpp"
#include "installed/components.hpp"
#include "installed/inquiries.hpp"
#include "io/loop.hpp"
#include "replay/replays.hpp"
#include "scheduler/scheduler.hpp"
#include "store/store.hpp"

namespace millrace::api {

class Installations;

/// What the operations work with; all of it outlives them.
struct Services {
  io::Loop& loop;
  broker::Queues& broker;
  broker::SessionId session;  ///< for what the operations change in it
  store::Store& store;
  deployment::Deployments& deployments;
  gateway::Gateway& gateway;
  scheduler::Scheduler& scheduler;
  const component::Catalogue& catalogue;
  const flow::Variables& variables;
  const flow::Running& running;  ///< of flows that say nothing of it
  DeadLetters& dead_letters;
  StepLogs& logs;
  PlatformEvents& events;
  const installed::Components& installed;
  Installations& installations;
  installed::Inquiries& inquiries;
  history::Recorder& recorder;
  replay::Replays& replays;
  credentials::Shelf& shelf;
  credentials::oauth2::Refresher& logins;
  credentials::oauth2::Visits& visits;
  credentials::ComponentKeys& keys;
  std::function<std::string()> redirect_url;  ///< where authorization servers send people back to
  Verify verify;
  std::function<boost::json::object()> status;
  std::function<boost::json::array()> workers;
  std::function<boost::json::array()> members;  ///< platforms that share the store; empty: no other may

  std::int64_t now() const { return loop.wall_now().time_since_epoch().count(); }
  deployment::Change change(const Caller& caller) const { return {caller.who, {}, now()}; }
};

// One file a resource; each adds its operations.
void add_flow_operations(Operations& operations, const Services& services);
void add_draft_operations(Operations& operations, const Services& services);
void add_version_operations(Operations& operations, const Services& services);
void add_flow_actions(Operations& operations, const Services& services);
void add_component_operations(Operations& operations, const Services& services);
void add_installation_operations(Operations& operations, const Services& services);
void add_component_questions(Operations& operations, const Services& services);
void add_token_operations(Operations& operations, const Services& services);
void add_credential_operations(Operations& operations, const Services& services);
void add_credential_verification(Operations& operations, const Services& services);
void add_audit_operations(Operations& operations, const Services& services);
void add_dead_letter_operations(Operations& operations, const Services& services);
void add_queue_operations(Operations& operations, const Services& services);
void add_log_operations(Operations& operations, const Services& services);
void add_execution_operations(Operations& operations, const Services& services);
void add_replay_operations(Operations& operations, const Services& services);
void add_status_operations(Operations& operations, const Services& services);
void add_scaling_operations(Operations& operations, const Services& services);
void add_member_operations(Operations& operations, const Services& services);

/// All of them.
Operations make_operations(const Services& services);

/// A flow for those that ask: what the store has and what runs.
boost::json::object flow_json(const store::FlowRecord& record, const Services& services);

}  // namespace millrace::api
