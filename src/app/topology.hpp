#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "flow/plan.hpp"

namespace millrace::app {

/// Makes the broker hold exactly the bindings and at least the queues that the plans need, also where an earlier
/// version of a flow file left others:
/// - a queue whose settings have changed is made anew if it is empty; otherwise it keeps its old ones (warning),
/// - bindings that the flow no longer has are removed, so a step that is gone gets nothing new,
/// - queues that no plan has stay with their messages (leftovers).
/// `failed` is called if something declared could not be made durable.
Status declare(broker::Broker& broker, broker::SessionId session, const std::vector<flow::Plan>& plans,
               const std::function<void(Error)>& failed);

/// A queue with messages that no loaded flow reads: of a flow or step that has been removed or renamed.
struct Leftover {
  std::string queue;
  std::uint64_t messages = 0;
};
std::vector<Leftover> leftovers(const broker::Broker& broker, const std::vector<flow::Plan>& plans);

}  // namespace millrace::app
