#include "objects/keys.hpp"

#include <doctest/doctest.h>

using millrace::objects::Keys;

namespace {
constexpr const char* jwt_forever =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnRJZCI6InQifQ.mv_g3hzWXhpxaUx1TBsORbVhiX1Udsk64-uytFQBzZM";
constexpr const char* jwt_until_1000 =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjEwMDB9.foVRkiVJE1hfkriRRtgInDOtTNCxoJiezNNNLvT52rA";
}  // namespace

TEST_CASE("each flow has an access of its own, the same whenever it is asked for") {
  const Keys keys("secret");
  const auto orders = keys.access("orders");
  CHECK(orders.token == Keys("secret").access("orders").token);
  CHECK(orders.iv.size() == 16);
  CHECK(orders.token != orders.password);
  CHECK(orders.token != keys.access("invoices").token);
  CHECK(orders.token != Keys("other").access("orders").token);
  CHECK(keys.flow_of(orders.token, {"invoices", "orders"}, 0) == "orders");
  CHECK_FALSE(keys.flow_of(orders.token, {"invoices"}, 0));
  CHECK_FALSE(keys.flow_of("", {"orders"}, 0));
}

TEST_CASE("a JWT that is signed with a flow's token is as good as it, until it expires") {
  // Made by npm's jsonwebtoken 9.0 with the token of this flow.
  const Keys keys("secret");
  const auto flow_of = [&](std::string_view token, std::int64_t now) { return keys.flow_of(token, {"orders"}, now); };
  CHECK(flow_of(jwt_forever, 0) == "orders");
  CHECK(flow_of(jwt_until_1000, 999) == "orders");
  CHECK_FALSE(flow_of(jwt_until_1000, 1'000));
  CHECK_FALSE(flow_of(std::string(jwt_forever) + "x", 0));
  CHECK_FALSE(flow_of("eyJhbGciOiJub25lIn0.e30.", 0));
}
