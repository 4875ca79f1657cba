#include "broker/exchange/exchange.hpp"

#include <doctest/doctest.h>

#include "amqp/properties.hpp"

namespace millrace::broker {
namespace {

using amqp::FieldTable;
using amqp::FieldValue;

FieldTable table(std::initializer_list<std::pair<const char*, FieldValue>> entries) {
  FieldTable made;
  for (const auto& [name, value] : entries) made.set(name, value);
  return made;
}

ExchangeSpec of_type(std::string type) {
  return {.name = "x", .type = std::move(type), .arguments = {}};
}

/// Whether a headers exchange with one binding takes a message with these headers.
bool takes(const FieldTable& binding, std::optional<FieldTable> headers) {
  Exchange exchange(of_type("headers"));
  REQUIRE(exchange.accepts(binding));
  Exchange bound(of_type("fanout"));
  exchange.bind({{nullptr, &bound}, "", binding});
  amqp::Properties properties;
  properties.headers = std::move(headers);
  std::vector<Destination> to;
  exchange.route({"x", "", amqp::encode_properties(properties), ""}, "", to);
  return !to.empty();
}

TEST_CASE("topic patterns: * is one word, # any number of them") {
  struct Case {
    const char* pattern;
    const char* key;
    bool matches;
  };
  for (const auto& [pattern, key, matches] : {
           Case{"a.b", "a.b", true},
           {"a.b", "a.c", false},
           {"a.b", "a", false},
           {"a", "a.b", false},
           {"*", "a", true},
           {"*", "", false},
           {"*", "a.b", false},
           {"#", "", true},
           {"#", "a.b.c", true},
           {"#.c", "a.b.c", true},
           {"#.c", "c", true},
           {"a.#", "a", true},
           {"a.#.d", "a.b.c.d", true},
           {"a.#.d", "a.d", true},
           {"a.#.d", "a.d.e", false},
           {"*.#", "", false},
           {"*.#", "a", true},
           {"#.*", "a.b", true},
           {"#.b.#", "a.b.c", true},
           {"#.b.#.b", "b", false},
           {"a..b", "a..b", true},
           {"a.*.b", "a..b", true},
           {"", "", true},
           {"", "a", false},
           {"#.a.#.b", "a.x.a.b", true},
           {"*.stock.#", "usd.stock", true},
       }) {
    CAPTURE(pattern);
    CAPTURE(key);
    CHECK(topic_matches(pattern, key) == matches);
  }
}

TEST_CASE("a topic pattern of many # takes no longer than both lengths multiplied") {
  std::string pattern;
  std::string key;
  for (int i = 0; i < 60; ++i) pattern += "#.a.";
  for (int i = 0; i < 120; ++i) key += "a.";
  CHECK_FALSE(topic_matches(pattern + "b", key + "c"));
}

TEST_CASE("headers match by value, whatever width a client sends integers in") {
  CHECK(takes(table({{"a", std::int32_t{1}}}), table({{"a", std::int64_t{1}}})));
  CHECK(takes(table({{"a", std::int32_t{1}}}), table({{"a", 1.0}})));
  CHECK_FALSE(takes(table({{"a", std::int32_t{1}}}), table({{"a", std::string("1")}})));
  CHECK_FALSE(takes(table({{"a", std::int32_t{1}}}), table({{"a", true}})));
  CHECK(takes(table({{"a", FieldValue()}}), table({{"a", std::string("anything")}})));
  CHECK_FALSE(takes(table({{"a", FieldValue()}}), std::nullopt));
}

TEST_CASE("x-match: all is the default, any wants one; x- headers count only for those with -with-x") {
  const auto both = table({{"a", std::int32_t{1}}, {"b", std::int32_t{2}}});
  CHECK_FALSE(takes(both, table({{"a", std::int32_t{1}}})));
  CHECK(takes(both, both));
  CHECK(takes(table({{"x-match", "any"}, {"a", std::int32_t{1}}, {"b", std::int32_t{2}}}),
              table({{"a", std::int32_t{1}}})));
  CHECK_FALSE(takes(table({{"x-match", "any"}}), both));
  CHECK(takes(table({{"x-match", "all"}}), std::nullopt));
  CHECK(takes(table({{"x-match", "any-with-x"}, {"x-a", std::int32_t{1}}}), table({{"x-a", std::int32_t{1}}})));
  CHECK_FALSE(takes(table({{"x-match", "any"}, {"x-a", std::int32_t{1}}}), table({{"x-a", std::int32_t{1}}})));
  CHECK_FALSE(takes(table({{"x-match", "all-with-x"}, {"x-a", std::int32_t{1}}}), table({{"x-a", std::int32_t{2}}})));
}

TEST_CASE("an x-match that is none is refused, on a headers exchange only") {
  CHECK_FALSE(Exchange(of_type("headers")).accepts(table({{"x-match", "odd"}})));
  CHECK_FALSE(Exchange(of_type("headers")).accepts(table({{"x-match", std::int32_t{5}}})));
  CHECK(Exchange(of_type("topic")).accepts(table({{"x-match", "odd"}})));
}

}  // namespace
}  // namespace millrace::broker
