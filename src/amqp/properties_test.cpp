#include "amqp/properties.hpp"

#include <random>

#include <doctest/doctest.h>

#include "amqp/wire.hpp"

namespace millrace::amqp {
namespace {

FieldTable every_kind() {
  FieldTable inner;
  inner.set("deep", FieldArray{std::int32_t{1}, std::string("two"), FieldTable{}});
  FieldTable table;
  table.set("void", FieldValue{});
  table.set("bool", true);
  table.set("i8", std::int8_t{-5});
  table.set("u8", std::uint8_t{250});
  table.set("i16", std::int16_t{-500});
  table.set("u16", std::uint16_t{60000});
  table.set("i32", std::int32_t{-70000});
  table.set("u32", std::uint32_t{4000000000});
  table.set("i64", std::int64_t{-5000000000});
  table.set("float", 1.5F);
  table.set("double", -2.25);
  table.set("decimal", Decimal{2, -314});
  table.set("text", "grüße");
  table.set("bytes", ByteArray{std::string("\0\xff", 2)});
  table.set("time", Timestamp{1700000000});
  table.set("table", inner);
  return table;
}

TEST_CASE("every kind of field keeps its type and value through the wire") {
  std::string wire;
  write_table(wire, every_kind());
  Reader in(wire);
  CHECK(in.table() == every_kind());
  CHECK(in.ok());
  CHECK(in.at_end());
  Reader skipping(wire);
  skipping.skip_table();
  CHECK(skipping.ok());
  CHECK(skipping.at_end());
}

TEST_CASE("lookups in a field table are by name and type") {
  FieldTable table = every_kind();
  CHECK(table.text("text") == "grüße");
  CHECK(table.text("i8", "other") == "other");
  CHECK(table.integer("u32") == 4000000000);
  CHECK(table.integer("bool", 7) == 7);
  CHECK(table.boolean("bool"));
  table.set("bool", false);
  CHECK_FALSE(table.boolean("bool", true));
  table.erase("bool");
  CHECK(table.find("bool") == nullptr);
}

TEST_CASE("every prefix of a field table is malformed, and reading it as well as skipping it says so") {
  std::string wire;
  write_table(wire, every_kind());
  for (std::size_t size = 0; size < wire.size(); ++size) {
    Reader in(std::string_view(wire).substr(0, size));
    in.table();
    CHECK_FALSE(in.ok());
    Reader skipping(std::string_view(wire).substr(0, size));
    skipping.skip_table();
    CHECK_FALSE(skipping.ok());
  }
}

TEST_CASE("tables nested without end are refused, not followed") {
  FieldTable table;
  for (int depth = 0; depth < field_depth_max + 2; ++depth) {
    FieldTable outer;
    outer.set("t", std::move(table));
    table = std::move(outer);
  }
  std::string wire;
  write_table(wire, table);
  Reader in(wire);
  in.table();
  CHECK_FALSE(in.ok());
  Reader skipping(wire);
  skipping.skip_table();
  CHECK_FALSE(skipping.ok());
}

TEST_CASE("all fourteen properties come back, and a glance sees the same") {
  Properties all;
  all.content_type = "application/json";
  all.content_encoding = "utf-8";
  all.headers = every_kind();
  all.delivery_mode = 2;
  all.priority = 9;
  all.correlation_id = "c";
  all.reply_to = "r";
  all.expiration = "60000";
  all.message_id = "m-1";
  all.timestamp = 1700000000;
  all.type = "t";
  all.user_id = "u";
  all.app_id = "a";
  all.cluster_id = "";
  std::string wire = encode_properties(all);
  auto back = decode_properties(wire);
  REQUIRE(back);
  CHECK(encode_properties(*back) == wire);
  CHECK(*back->headers == *all.headers);
  CHECK(*back->message_id == "m-1");
  CHECK(*back->timestamp == 1700000000);
  auto seen = glance(wire);
  REQUIRE(seen);
  CHECK(seen->delivery_mode == 2);
  CHECK(seen->priority == 9);
  CHECK(*seen->expiration == "60000");
  CHECK(*seen->message_id == "m-1");
}

TEST_CASE("no properties are two zero bytes, and transient") {
  CHECK(encode_properties({}) == std::string(2, '\0'));
  auto seen = glance(std::string(2, '\0'));
  REQUIRE(seen);
  CHECK(seen->delivery_mode == 1);
  CHECK_FALSE(seen->message_id);
}

TEST_CASE("malformed properties name the property that is wrong") {
  Properties some;
  some.content_type = "text/plain";
  some.message_id = "id";
  std::string wire = encode_properties(some);
  auto cut = decode_properties(std::string_view(wire).substr(0, wire.size() - 1));
  REQUIRE_FALSE(cut);
  CHECK(cut.error().message.find("message-id") != std::string::npos);
  CHECK_FALSE(decode_properties(wire + "x"));
  CHECK_FALSE(glance(wire + "x"));
  CHECK_FALSE(decode_properties(""));
  CHECK_FALSE(glance(std::string("\0\1", 2)));
}

TEST_CASE("a header is added, or gets another value, and all else stays") {
  Properties plain;
  plain.content_type = "text/plain";
  plain.delivery_mode = 2;
  plain.message_id = "id";
  Properties full = plain;
  full.content_encoding = "gzip";
  full.headers = every_kind();
  for (auto properties : {Properties(), plain, full}) {
    const auto wire = encode_properties(properties);
    if (!properties.headers) properties.headers.emplace();
    properties.headers->set("x-delivery-count", std::int64_t{0});
    const auto once = with_header(wire, "x-delivery-count", 0);
    CHECK(once == encode_properties(properties));
    properties.headers->set("x-delivery-count", std::int64_t{7});
    CHECK(with_header(once, "x-delivery-count", 7) == encode_properties(properties));
  }
}

TEST_CASE("random bytes never crash the decoders, and a glance accepts exactly what decoding accepts") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Properties start;
  start.headers = every_kind();
  start.message_id = "some-id";
  const std::string good = encode_properties(start);
  for (int round = 0; round < 20000; ++round) {
    std::string wire = good;
    for (int hits = 1 + static_cast<int>(random() % 4); hits > 0; --hits)
      wire[random() % wire.size()] = static_cast<char>(random());
    if (random() % 4 == 0) wire.resize(random() % wire.size());
    auto decoded = decode_properties(wire);
    CHECK(static_cast<bool>(decoded) == static_cast<bool>(glance(wire)));
    const auto more = with_header(wire, "count", 1);
    if (decoded) CHECK(decode_properties(more));
    if (decoded) CHECK(decode_properties(encode_properties(*decoded)));
  }
}

}  // namespace
}  // namespace millrace::amqp
