#include "orchestrator/driver/docker/container_spec.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "core/id.hpp"

namespace millrace::orchestrator::docker {
namespace json = boost::json;
namespace {

constexpr std::uint32_t pids_otherwise = 256;  // no worker forks without bounds
constexpr std::string_view nobody = "65534:65534";

/// What differs from one start to the next, though nothing has changed.
constexpr std::array<std::string_view, 5> of_one_start = {
    "ELASTICIO_CONTAINER_ID", "ELASTICIO_API_USERNAME", "ELASTICIO_API_KEY", "ELASTICIO_AMQP_URI", "ELASTICIO_EXEC_ID"};

bool is_root(std::string_view user) {
  const auto name = user.substr(0, user.find(':'));
  return name.empty() || name == "root" || name.find_first_not_of('0') == std::string_view::npos;
}

json::object host_config(const Launch& launch, const Network& network) {
  const auto& limits = launch.limits;
  json::object host;
  host["NetworkMode"] = network.name;
  host["ExtraHosts"] = json::array{"host.docker.internal:" + network.gateway};
  if (limits.memory_max > 0) {
    host["Memory"] = limits.memory_max;
    host["MemorySwap"] = limits.memory_max;  // of both together: none to swap to
  }
  if (limits.cpu_max > 0) host["NanoCpus"] = static_cast<std::int64_t>(limits.cpu_max * 1e9);
  host["PidsLimit"] = limits.pids_max > 0 ? limits.pids_max : pids_otherwise;
  host["ReadonlyRootfs"] = true;
  host["Tmpfs"] = json::object{{"/tmp", "rw,noexec,nosuid,nodev,size=64m"}};
  if (!launch.folder.empty()) {
    const json::object folder{
        {"Type", "bind"}, {"Source", launch.folder}, {"Target", launch.folder}, {"ReadOnly", true}};
    host["Mounts"] = json::array{folder};
  }
  host["CapDrop"] = json::array{"ALL"};
  host["SecurityOpt"] = json::array{"no-new-privileges"};
  host["RestartPolicy"] = json::object{{"Name", "no"}};
  host["LogConfig"] = json::object{
      {"Type", "local"}, {"Config", json::object{{"max-size", "5m"}, {"max-file", "1"}, {"compress", "false"}}}};
  host["Ulimits"] = json::array{json::object{{"Name", "core"}, {"Soft", 0}, {"Hard", 0}}};
  return host;
}

}  // namespace

std::string container_name(std::string_view platform, const WorkerKey& worker) {
  auto name =
      fmt::format("millrace-{}-{}-v{}-{}-{}", platform, worker.flow, worker.version, worker.step, worker.instance);
  std::replace_if(
      name.begin(), name.end(),
      [](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return !letter && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-';
      },
      '.');
  return name;
}

ContainerSpec container_spec(const std::string& platform, const Launch& launch, const Image& image,
                             const std::string& image_name, const Network& network, const Doors& doors) {
  json::object body;
  body["Image"] = image_name;
  if (is_root(image.user)) body["User"] = nobody;
  body["HostConfig"] = host_config(launch, network);

  json::array all;
  json::array lasting{doors.amqp, doors.api, image.id};
  std::string user;
  for (const auto& [name, value] : launch.environment(doors)) {
    all.push_back(json::string(name + "=" + value));
    if (name == "ELASTICIO_API_USERNAME") user = value;
    if (std::find(of_one_start.begin(), of_one_start.end(), name) == of_one_start.end()) {
      lasting.push_back(json::string(name + "=" + value));
    }
  }
  ContainerSpec spec;
  spec.name = container_name(platform, launch.worker);
  spec.made_as = derived_id({json::serialize(body), json::serialize(lasting)});
  body["Env"] = std::move(all);
  body["Labels"] =
      json::object{{labels::platform, platform},         {labels::flow, launch.worker.flow},
                   {labels::step, launch.worker.step},   {labels::instance, std::to_string(launch.worker.instance)},
                   {labels::worker, launch.worker.id()}, {labels::start, user},
                   {labels::made_as, spec.made_as}};
  spec.body = json::serialize(body);
  return spec;
}

}  // namespace millrace::orchestrator::docker
