#include "storage/verify.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"
#include "storage/record.hpp"

namespace millrace::broker {
namespace {

/// A broker with a queue of two priorities, of which a message of each lies in the first segment.
struct Site {
  Site() {
    Limits limits;
    limits.segment_size = 1024;
    broker = std::move(*Broker::open(loop, disk, offload, limits));
    session = broker->begin_session();
    QueueSpec spec;
    spec.name = "ranked";
    spec.arguments.set("x-max-priority", std::int64_t{1});
    REQUIRE(broker->declare_queue(session, spec, {}));
    spec = {};
    spec.name = "other";
    REQUIRE(broker->declare_queue(session, spec, {}));
    publish("ranked", 0, 10);
    publish("ranked", 1, 10);
    for (int i = 0; i < 3; ++i) publish("other", 0, 600);  // further segments begin, with checkpoints
  }

  void publish(const char* queue, std::uint8_t priority, std::size_t size) {
    amqp::Properties properties;
    properties.delivery_mode = 2;
    properties.priority = priority;
    const auto message = std::make_shared<const Message>(
        Message{"", queue, amqp::encode_properties(properties), std::string(size, 'x')});
    REQUIRE(broker->commit(session, {{message}, {}}, nullptr));
    loop.run_for(std::chrono::milliseconds(10));
  }

  DeliveryId take() {
    const auto delivery = broker->get(session, "ranked", false);
    REQUIRE(delivery);
    REQUIRE(*delivery);
    return (*delivery)->id;
  }

  std::string finding_without_first_segment() {
    loop.run_for(std::chrono::milliseconds(10));
    REQUIRE(storage::verify(disk)->is_sound());
    REQUIRE(disk.remove(storage::segment_name(1)));
    const auto verified = storage::verify(disk);
    REQUIRE(verified);
    const auto found = std::find_if(verified->findings.begin(), verified->findings.end(), [](const auto& finding) {
      return finding.what.find("'ranked'") != std::string::npos;
    });
    return found == verified->findings.end() ? "" : found->what;
  }

  io::sim::SimDisk disk{1};
  io::sim::SimLoop loop;
  io::sim::SimOffload offload{loop};
  std::unique_ptr<Broker> broker;
  SessionId session;
};

}  // namespace

TEST_CASE("what has left with one priority does not stand for what is missing with another") {
  Site site;
  REQUIRE(site.broker->commit(site.session, {{}, {{site.take(), Settle::ack}}}, nullptr));
  CHECK(site.finding_without_first_segment() == "1 of 1 messages of queue 'ranked' are not to be found in it");
}

TEST_CASE("what was out with a consumer when its queue was purged is missed") {
  Site site;
  (void)site.take();
  REQUIRE(site.broker->purge_queue(site.session, "ranked", {}));
  CHECK(site.finding_without_first_segment() == "1 of 1 messages of queue 'ranked' are not to be found in it");
}

}  // namespace millrace::broker
