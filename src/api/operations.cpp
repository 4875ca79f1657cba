#include "api/services.hpp"

namespace millrace::api {

Operations make_operations(const Services& services) {
  Operations operations;
  add_flow_operations(operations, services);
  add_draft_operations(operations, services);
  add_version_operations(operations, services);
  add_flow_actions(operations, services);
  add_component_operations(operations, services);
  add_installation_operations(operations, services);
  add_component_questions(operations, services);
  add_token_operations(operations, services);
  add_credential_operations(operations, services);
  add_credential_verification(operations, services);
  add_audit_operations(operations, services);
  add_dead_letter_operations(operations, services);
  add_queue_operations(operations, services);
  add_log_operations(operations, services);
  add_execution_operations(operations, services);
  add_replay_operations(operations, services);
  add_status_operations(operations, services);
  add_scaling_operations(operations, services);
  add_member_operations(operations, services);
  return operations;
}

}  // namespace millrace::api
