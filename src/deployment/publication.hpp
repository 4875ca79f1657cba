#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "flow/load.hpp"
#include "store/flows.hpp"

namespace millrace::deployment {

/// A flow's text as one flow of this name; or what is wrong with it, with places in `name`. `otherwise`: as in
/// flow::load_text.
Result<flow::Flow, flow::Problems> check(const std::string& name, const std::string& text,
                                         const component::Catalogue& catalogue, const flow::Variables& variables,
                                         const flow::Running& otherwise);

/// What the store needs to make a checked flow the next version: its webhook's addresses among it.
store::Flows::Publication publication_of(const flow::Flow& flow, const std::string& text);

/// That a draft has another revision than somebody has seen.
Error stale(const store::FlowRecord& flow);

struct Change {
  std::string who;
  std::string comment = {};
  std::int64_t at = 0;  ///< ms since the Unix epoch
};

struct Published {
  store::VersionRecord version;
  store::FlowInUse flow;
  bool is_new = true;  ///< false: the current version had this text already
};

/// Makes a publication the flow's next version, with its entry in the audit log; in one transaction of the store. Text
/// that the current version has already is no new version. `revision`: of the draft that the publisher has seen.
Result<Published> publish(store::Database& database, store::Flows::Publication publication, const Change& change,
                          std::optional<std::int64_t> revision);

/// Sets a flow's state, with its entry in the audit log ("flow.stop").
Result<store::FlowInUse> set_state(store::Database& database, const std::string& flow, store::FlowState state,
                                   const std::string& action, const Change& change);

/// Sets how many instances a step shall have, or leaves it to the flow again, with its entry in the audit log.
Result<store::FlowInUse> set_scale(store::Database& database, const std::string& flow, const std::string& step,
                                   std::optional<std::uint32_t> instances, const Change& change);

/// What `millrace run FLOW…` does with its files: each becomes the current version of its flow and runs; flows of
/// earlier files that were not given are stopped. Their credentials are there (credential_problems).
Status import_files(store::Database& database, const std::vector<flow::Flow>& flows, std::int64_t now);

}  // namespace millrace::deployment
