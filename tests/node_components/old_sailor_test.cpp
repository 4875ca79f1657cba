// Older releases of elastic.io's library, each unmodified: they name messages differently, and settle them in another
// order.
#include "hosted.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using component::Outcome;
using tests::Hosted;

TEST_CASE("older releases of the library emit, fail and put back as the newest does") {
  for (const char* release : {"1.3.0", "2.2.1", "2.6.7"}) {
    CAPTURE(release);
    Hosted old("act", false, 0, {}, {OLD, {"node", std::string("./node_modules/sailor-") + release + "/run.js"}});
    old.give("data", R"({"corn":"rye"})");
    old.give("throw", R"({"do":"throw"})");
    old.give("error", R"({"do":"error"})");
    old.give("rebound", R"({"do":"rebound"})");
    old.run_until(4);
    REQUIRE_MESSAGE(old.finished.size() == 4, old.lost);
    const auto& data = old.finished.at("data");
    CHECK(data.kind == Outcome::Kind::ok);
    // The component does not await what it emits: it may come after the end of its message.
    while (data.emissions.empty() && old.late.empty() && old.lost.empty()) {
      old.loop().after(5ms, [&] { old.loop().stop(); });
      old.loop().run();
    }
    const auto& emissions = data.emissions.empty() ? old.late : data.emissions;
    REQUIRE(emissions.size() == 1);
    CHECK(emissions[0].body == R"({"ground":"rye"})");
    CHECK(old.finished.at("throw").kind == Outcome::Kind::failed);
    CHECK(old.finished.at("throw").failure.message.find("the old mill is dry") != std::string::npos);
    CHECK(old.finished.at("error").kind == Outcome::Kind::failed);
    CHECK(old.finished.at("error").failure.message == "emitted, not thrown");
    CHECK(old.finished.at("rebound").kind == Outcome::Kind::rebound);
    CHECK(old.finished.at("rebound").failure.message == "come again");
  }
}
