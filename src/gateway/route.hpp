#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow.hpp"
#include "gateway/guard.hpp"

namespace millrace::gateway {

/// The webhook trigger of one version of a flow as the gateway serves it.
struct Route {
  std::string flow;
  std::string step;
  std::string exchange;                   ///< of the flow's version
  std::string key;                        ///< routing key of what is taken in
  std::vector<std::string> first_queues;  ///< where it goes
  std::string path;                       ///< as normal_path has it
  std::vector<std::string> methods;
  std::uint64_t body_max = 0;  ///< bytes
  Guard guard;
  std::string credential;  ///< name of the one that makes the guard at each call; empty: `guard` is it
  std::chrono::milliseconds reply_timeout{0};
  bool replies = false;  ///< the caller waits for the flow's reply

  bool takes(std::string_view method) const;
};

/// What tells one address from another: percent-escapes undone (but "%2F"), no slashes at either end.
std::string normal_path(std::string_view path);

/// The route of a flow's trigger, or nullopt if that is no webhook; its config is validated (flow::load_files).
std::optional<Route> make_route(const flow::Flow& flow, std::int64_t version);

}  // namespace millrace::gateway
