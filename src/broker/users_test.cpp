#include "broker/users.hpp"

#include <doctest/doctest.h>

namespace millrace::broker {
namespace {

struct Seat : UserConnection {
  int fenced = 0;
  void fence() override { ++fenced; }
};

TEST_CASE("a user logs in with its password and with no other") {
  Users users;
  users.add("worker", "secret");
  REQUIRE(users.log_in("worker", "secret"));
  CHECK(users.log_in("worker", "secret")->name == "worker");
  CHECK_FALSE(users.log_in("worker", "Secret"));
  CHECK_FALSE(users.log_in("worker", ""));
  CHECK_FALSE(users.log_in("nobody", ""));
  users.add("worker", "changed");
  CHECK_FALSE(users.log_in("worker", "secret"));
  CHECK(users.log_in("worker", "changed"));
}

TEST_CASE("retiring a user fences each of its connections once and shuts it out") {
  Users users;
  users.add("worker", "secret");
  users.add("other", "secret");
  Seat first;
  Seat second;
  Seat gone;
  Seat other;
  users.connected("worker", first);
  users.connected("worker", second);
  users.connected("worker", gone);
  users.connected("other", other);
  users.disconnected("worker", gone);
  users.retire("worker");
  users.retire("worker");
  CHECK(first.fenced == 1);
  CHECK(second.fenced == 1);
  CHECK(gone.fenced == 0);
  CHECK(other.fenced == 0);
  CHECK_FALSE(users.log_in("worker", "secret"));
  CHECK_FALSE(users.knows("worker"));
}

TEST_CASE("permissions are names in which a star is any run of characters") {
  CHECK(fits("*", ""));
  CHECK(fits("*", "anything"));
  CHECK(fits("", ""));
  CHECK_FALSE(fits("", "x"));
  CHECK(fits("flow.*.publish", "flow.web.form.publish"));
  CHECK_FALSE(fits("flow.*.publish", "flow.web.publisher"));
  CHECK(fits("a*b*c", "aXbYbZc"));
  CHECK_FALSE(fits("a*b*c", "aXcYb"));
  CHECK_FALSE(fits("exact", "exactly"));
}

}  // namespace
}  // namespace millrace::broker
