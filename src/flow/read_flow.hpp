#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/reading.hpp"

namespace millrace::flow {

inline constexpr std::size_t steps_max = 200;  ///< of one flow

/// A flow with the places that problems between flows are shown at.
struct LoadedFlow {
  Flow flow;
  Position name_at;
  Position webhook_at;  ///< where its webhook's path stands
};

/// One document as a flow, complete. Reports what is wrong; the flow is then of use only for what it is called.
std::optional<LoadedFlow> read_flow(Reading& reading, const NodePtr& root);

/// Names and webhook addresses that two of the flows share.
Problems check_across(const std::vector<LoadedFlow>& flows, const component::Catalogue& catalogue);

}  // namespace millrace::flow
