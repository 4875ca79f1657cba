#include "orchestrator/driver/docker/container_spec.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::orchestrator;
using namespace millrace::orchestrator::docker;

namespace {

const Network network{"millrace-0123456789ab", "172.18.0.1", "mr0123456789ab"};
const Doors doors{"172.18.0.1:5672", "172.18.0.1:8081"};

Launch launch_as(const std::string& user, std::uint64_t memory_max = 64'000'000) {
  Launch launch{.worker = {"orders", 1, "ship_it", 2}, .how = Launch::How::container, .environment = nullptr};
  launch.limits = {.memory_max = memory_max, .cpu_max = 0.5, .pids_max = 32};
  launch.environment = [user](const Doors& at) {
    return Environment{{"ELASTICIO_API_USERNAME", user},
                       {"ELASTICIO_API_KEY", "secret"},
                       {"ELASTICIO_AMQP_URI", "amqp://" + user + ":secret@" + at.amqp},
                       {"ELASTICIO_STEP_ID", "ship_it"}};
  };
  return launch;
}

ContainerSpec spec_as(const Launch& launch, const Image& image = {"sha256:1", "65532:65532"}) {
  return container_spec("0123456789ab", launch, image, "millrace:1", network, doors);
}

}  // namespace

TEST_CASE("a container gets its limits, its labels, and nothing that it does not need") {
  const auto spec = spec_as(launch_as("u1"));
  CHECK(spec.name == "millrace-0123456789ab-orders-v1-ship_it-2");
  const auto body = boost::json::parse(spec.body);
  const auto& host = body.at("HostConfig").as_object();
  CHECK(host.at("Memory") == 64'000'000);
  CHECK(host.at("MemorySwap") == 64'000'000);
  CHECK(host.at("NanoCpus") == 500'000'000);
  CHECK(host.at("PidsLimit") == 32);
  CHECK(host.at("ReadonlyRootfs") == true);
  CHECK(boost::json::serialize(host.at("CapDrop")) == R"(["ALL"])");
  CHECK(boost::json::serialize(host.at("SecurityOpt")) == R"(["no-new-privileges"])");
  CHECK(host.at("NetworkMode") == "millrace-0123456789ab");
  CHECK(boost::json::serialize(host.at("RestartPolicy")) == R"({"Name":"no"})");
  CHECK_FALSE(host.contains("Binds"));
  const auto& its_labels = body.at("Labels").as_object();
  CHECK(its_labels.at("millrace.platform") == "0123456789ab");
  CHECK(its_labels.at("millrace.worker") == "orders@1/ship_it.2");
  CHECK(its_labels.at("millrace.start") == "u1");
  CHECK(body.at("Env").at(2) == "ELASTICIO_AMQP_URI=amqp://u1:secret@172.18.0.1:5672");
}

TEST_CASE("nobody is root in a container, whatever its image says; another user of the image stays") {
  for (const auto* root : {"", "root", "0", "0:0", "root:staff"}) {
    CHECK(boost::json::parse(spec_as(launch_as("u"), {"sha256:1", root}).body).at("User") == "65534:65534");
  }
  for (const auto* user : {"daemon", "65532:65532", "1000"}) {
    CHECK_FALSE(boost::json::parse(spec_as(launch_as("u"), {"sha256:1", user}).body).as_object().contains("User"));
  }
}

TEST_CASE("without limits of ours the engine's hold, but no worker forks without bounds") {
  auto launch = launch_as("u", 0);
  launch.limits = {};
  const auto body = boost::json::parse(spec_as(launch).body);
  const auto& host = body.at("HostConfig").as_object();
  CHECK_FALSE(host.contains("Memory"));
  CHECK_FALSE(host.contains("NanoCpus"));
  CHECK(host.at("PidsLimit") == 256);
}

TEST_CASE("another start is made alike; another image, limit, door or setting is not") {
  const auto made_as = spec_as(launch_as("u1")).made_as;
  CHECK(spec_as(launch_as("u2")).made_as == made_as);
  CHECK(spec_as(launch_as("u1", 65'000'000)).made_as != made_as);
  CHECK(spec_as(launch_as("u1"), {"sha256:2", "65532:65532"}).made_as != made_as);
  const Doors other{"172.18.0.1:5673", "172.18.0.1:8081"};
  CHECK(container_spec("0123456789ab", launch_as("u1"), {"sha256:1", "65532:65532"}, "millrace:1", network, other)
            .made_as != made_as);
  auto launch = launch_as("u1");
  launch.environment = [](const Doors&) { return Environment{{"TZ", "Europe/Paris"}}; };
  CHECK(spec_as(launch).made_as != made_as);
}

TEST_CASE("what a container's name cannot hold becomes a dot") {
  CHECK(container_name("p", {"orders@2", 3, "ship", 1}) == "millrace-p-orders.2-v3-ship-1");
}
