#pragma once

#include "component/action.hpp"
#include "component/lineage.hpp"

namespace millrace::component {

/// Looks on while a step works. Called on the loop, before what it tells of is committed.
class StepWatch {
 public:
  virtual ~StepWatch() = default;
  /// The action gets this now. A polling trigger's tick: once for each page.
  virtual void began(const Work& work) = 0;
  /// What it came to; also for messages that never reach the action, because they are none or `when:` does not hold.
  virtual void ended(const Lineage& lineage, const Outcome& outcome) = 0;
};

}  // namespace millrace::component
