#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/queues.hpp"
#include "flow/plan.hpp"

namespace millrace::deployment {

/// Makes the broker hold what the plan needs. A queue whose settings have changed (by another value of a variable, or
/// another Millrace) is made anew if it is empty; otherwise it keeps its old ones (warning). `failed` is called if
/// something declared could not be made durable.
Status declare(broker::Queues& broker, broker::SessionId session, const flow::Plan& plan,
               const std::function<void(Error)>& failed);

/// An event that an earlier version has taken in is a repeat for this one too: its first steps' queues inherit what
/// those of the earlier versions have taken in lately.
void inherit_windows(broker::Queues& broker, broker::SessionId session, const flow::Plan& plan,
                     const std::vector<const flow::Plan*>& earlier);

/// Messages of one version that wait, are in work or are about to come in. Dead letters are none.
std::vector<std::string> queues_of_steps(const flow::Plan& plan);
/// Whether a worker reads one of them.
bool is_read(const broker::Queues& broker, const flow::Plan& plan);
std::uint64_t in_flight(const broker::Queues& broker, const flow::Plan& plan);

/// Forgets a polling trigger's tick that waits to be tried again: its version ticks no more.
void drop_waiting_ticks(broker::Queues& broker, broker::SessionId session, const flow::Plan& plan);

/// Takes away the exchange and the queues of one version; what the flow's versions share stays. Error::conflict, and
/// nothing has happened, if it has messages in flight. `durable` is called when it is gone for good.
Status remove_version(broker::Queues& broker, broker::SessionId session, const flow::Plan& plan,
                      broker::Queues::Durable durable);

/// Takes away all that the flow has, messages and dead letters included.
void remove_flow(broker::Queues& broker, broker::SessionId session, const std::string& flow,
                 const std::vector<std::int64_t>& versions, broker::Queues::Durable durable);

/// A queue with messages that no flow in use reads.
struct Leftover {
  std::string queue;
  std::uint64_t messages = 0;
};
std::vector<Leftover> leftovers(const broker::Queues& broker, const std::vector<const flow::Plan*>& plans);

}  // namespace millrace::deployment
