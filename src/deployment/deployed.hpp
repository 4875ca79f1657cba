#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flow/load.hpp"
#include "flow/plan.hpp"
#include "gateway/route.hpp"
#include "store/flows.hpp"

namespace millrace::deployment {

/// One version of a flow that is in use.
struct Version {
  enum class Stage {
    current,   ///< new events go to it
    draining,  ///< it finishes what it has in flight
    emptied,   ///< nothing is in flight; its workers end
    removing,  ///< its queues are being taken away
  };

  std::int64_t number = 0;
  Stage stage = Stage::current;
  flow::Plan plan;
  std::optional<gateway::Route> route = {};  ///< of a webhook
  flow::Problems problems = {};              ///< why it cannot run; then the plan is empty

  bool runs() const { return problems.empty(); }
};

struct Flow {
  std::string name;
  store::FlowState state = store::FlowState::running;
  std::map<std::int64_t, Version> versions = {};     ///< by number
  std::map<std::string, std::uint32_t> scales = {};  ///< instances by step, where somebody has set them

  /// What new events go to; nullptr if none was published or it is being deleted.
  const Version* current() const;
};

/// The flows in use and their versions, and where to find one. Data only; Deployments changes it.
class Deployed {
 public:
  const std::map<std::string, Flow>& flows() const { return flows_; }
  const Flow* find(const std::string& flow) const;
  const Version* find(const std::string& flow, std::int64_t version) const;
  /// The step that reads this queue; nullptr if none does.
  const flow::WorkerPlan* worker(std::string_view queue) const;
  /// The plans of all versions that run.
  std::vector<const flow::Plan*> plans() const;

  /// Adds the flow if it is not there.
  Flow& add(const std::string& flow);
  Version& add(Flow& flow, Version version);
  void remove(Flow& flow, std::int64_t version);
  void remove(const std::string& flow);

 private:
  std::map<std::string, Flow> flows_;
  std::unordered_map<std::string, const flow::WorkerPlan*> workers_;  ///< by queue
};

}  // namespace millrace::deployment
