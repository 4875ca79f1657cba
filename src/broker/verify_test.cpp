#include "storage/verify.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "storage/record.hpp"
#include "support/sim_broker.hpp"

namespace millrace::broker {
namespace {

Limits limits() {
  Limits limits;
  limits.segment_size = 1024;
  return limits;
}

/// With a queue of two priorities, of which a message of each lies in the first segment.
struct Site : tests::SimBroker {
  Site() : SimBroker(limits()) {
    amqp::FieldTable arguments;
    arguments.set("x-max-priority", std::int64_t{1});
    declare("ranked", arguments);
    declare("other");
    publish("ranked", 10, 0);
    publish("ranked", 10, 1);
    for (int i = 0; i < 3; ++i) publish("other", 600);  // further segments begin, with checkpoints
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
};

}  // namespace

TEST_CASE("what has left with one priority does not stand for what is missing with another") {
  Site site;
  REQUIRE(site.broker->commit(site.session, {{}, {{site.take("ranked"), Settle::ack}}}, nullptr));
  CHECK(site.finding_without_first_segment() == "1 of 1 messages of queue 'ranked' are not to be found in it");
}

TEST_CASE("what was out with a consumer when its queue was purged is missed") {
  Site site;
  (void)site.take("ranked");
  REQUIRE(site.broker->purge_queue(site.session, "ranked", {}));
  CHECK(site.finding_without_first_segment() == "1 of 1 messages of queue 'ranked' are not to be found in it");
}

}  // namespace millrace::broker
