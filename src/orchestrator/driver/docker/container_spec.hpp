#pragma once

#include <string>
#include <string_view>

#include "orchestrator/driver.hpp"

namespace millrace::orchestrator::docker {

/// The labels that we know our containers and networks by. Nothing without the first is ever touched.
namespace labels {
inline constexpr std::string_view platform = "millrace.platform";  ///< whose it is
inline constexpr std::string_view flow = "millrace.flow";
inline constexpr std::string_view step = "millrace.step";
inline constexpr std::string_view instance = "millrace.instance";
inline constexpr std::string_view worker = "millrace.worker";  ///< WorkerKey::id()
inline constexpr std::string_view start = "millrace.start";    ///< the worker's user: one for each start
inline constexpr std::string_view made_as = "millrace.made-as";
}  // namespace labels

/// What an engine tells of an image.
struct Image {
  std::string id;    ///< "sha256:…"
  std::string user;  ///< who its processes are; empty: root
};

/// The network that a platform's containers live in, as its containers see it.
struct Network {
  std::string name;
  std::string gateway;         ///< the engine's machine on it: "172.18.0.1"
  std::string interface = {};  ///< its bridge on that machine; empty: not known
};

/// One container before it is made.
struct ContainerSpec {
  std::string name;  ///< unique on an engine: so there is at most one container of a worker
  std::string body;  ///< of POST /containers/create, JSON
  /// What of it must be the same for a container to go on under a new platform: all but user, password and run.
  std::string made_as;
};

/// "millrace-<platform>-<flow>-<step>-<instance>", with a dot for what a name of a container may not hold.
std::string container_name(std::string_view platform, const WorkerKey& worker);

/// The container for a launch: limits, read-only root with a small /tmp, no capabilities, no new privileges, never
/// root, no restarts by the engine, output kept to 5 MB.
ContainerSpec container_spec(const std::string& platform, const Launch& launch, const Image& image,
                             const std::string& image_name, const Network& network, const Doors& doors);

}  // namespace millrace::orchestrator::docker
