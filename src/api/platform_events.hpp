#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "api/dead_letters.hpp"
#include "api/events.hpp"
#include "broker/queues.hpp"
#include "deployment/deployed.hpp"
#include "io/loop.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::api {

/// Makes events of what the platform's parts tell, and each second, while somebody listens, of the counts of steps that
/// have changed (`counts`). docs/openapi.yaml describes them. Until begin() is called it only takes note: what a start
/// finds is no event. Thread: the loop's. Lifetime: what it is given outlives it.
class PlatformEvents {
 public:
  struct Parts {
    io::Loop& loop;
    const broker::Queues& broker;
    const deployment::Deployed& deployed;
    DeadLetters& dead_letters;
    Events& events;
  };

  explicit PlatformEvents(Parts parts) : parts_(parts) {}
  ~PlatformEvents();
  PlatformEvents(const PlatformEvents&) = delete;
  PlatformEvents& operator=(const PlatformEvents&) = delete;

  void begin() { begun_ = true; }

  void flow_changed(const deployment::Flow& flow);
  void flow_deleted(const std::string& flow);
  void worker_started(const orchestrator::WorkerStatus& worker);
  void worker_ready(const orchestrator::WorkerStatus& worker);
  void worker_ended(const orchestrator::WorkerStatus& worker, bool asked_for);
  /// A queue that no worker reads has got messages.
  void unread(const std::string& queue);
  /// A flow has got dead letters.
  void died(const std::string& flow);

  /// GET /v1/events. A new reader gets the counts of all flows that have any.
  io::posix::HttpResponse follow(const std::string& flow, const std::string& last_id);

 private:
  struct Known {
    std::optional<store::FlowState> state = {};
    std::int64_t version = 0;
    std::uint64_t dead_letters = 0;  ///< its queue's counter
    std::string counts = {};         ///< as they were last shown
  };

  void tell(std::string_view type, boost::json::object subject);
  void watch();

  Parts parts_;
  bool begun_ = false;
  std::map<std::string, Known> known_;  ///< by flow
  io::TimerId timer_ = 0;
};

}  // namespace millrace::api
