#include "component/message.hpp"

#include <doctest/doctest.h>

#include "component/json_text.hpp"

using namespace millrace;
using component::Message;
namespace json_text = component::json_text;

TEST_CASE("a message's parts are slices of its envelope") {
  const auto message =
      Message::parse(R"( {"id":"m1", "body" : {"a":[1,2,{"b":"}"}]},"query":{"x":"1"},"headers":{}} )");
  REQUIRE(message);
  CHECK(message->id() == "m1");
  CHECK(message->body() == R"({"a":[1,2,{"b":"}"}]})");
  CHECK(message->part("headers") == "{}");
  CHECK(message->part("query") == R"({"x":"1"})");
  CHECK(message->part("attachments").empty());
}

TEST_CASE("parts survive a copy and a move of their message") {
  auto message = *Message::parse(R"({"id":"m1","body":"short"})");
  const Message copy = message;
  const Message moved = std::move(message);
  CHECK(copy.body() == R"("short")");
  CHECK(moved.body() == R"("short")");
}

TEST_CASE("an envelope made from parts reads back the same") {
  const auto made = Message::make("m\"1", R"({"x":1})", R"({"h":2})", {}, R"({"step":{}})");
  CHECK(made.envelope() == R"({"id":"m\"1","body":{"x":1},"headers":{"h":2},"passthrough":{"step":{}}})");
  const auto read = Message::parse(made.envelope());
  REQUIRE(read);
  CHECK(read->id() == "m\"1");
  for (const auto* part : {"body", "headers", "attachments", "passthrough"}) CHECK(read->part(part) == made.part(part));
}

TEST_CASE("another body leaves the other parts where they belong") {
  const auto message =
      *Message::parse(R"({"headers":{"h":1},"body":{"long":"body"},"passthrough":{"p":1},"path":"x"})");
  const auto changed = message.with_body("7");
  CHECK(changed.envelope() == R"({"headers":{"h":1},"body":7,"passthrough":{"p":1},"path":"x"})");
  CHECK(changed.body() == "7");
  CHECK(changed.part("headers") == R"({"h":1})");
  CHECK(changed.part("passthrough") == R"({"p":1})");
}

TEST_CASE("a body is added where there was none") {
  CHECK(Message::parse("{}")->with_body("1").envelope() == R"({"body":1})");
  const auto added = Message::parse(R"({"id":"x"})")->with_body("[]");
  CHECK(added.envelope() == R"({"body":[],"id":"x"})");
  CHECK(added.body() == "[]");
  CHECK(added.id() == "x");
}

TEST_CASE("what is not a JSON object is no message") {
  for (const auto* text :
       {"", "[]", "1", "{", R"({"a":})", R"({"a":1,})", R"({"a":1}x)", R"({"a":01})", R"({"a":"\x"})",
        "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", R"({"a":tru})", R"({"a" 1})", R"({"a":-})"}) {
    const auto message = Message::parse(text);
    CAPTURE(text);
    REQUIRE_FALSE(message);
    CHECK(message.error().kind == Error::Kind::invalid);
  }
}

TEST_CASE("a JSON bomb of 10,000 levels is refused as a limit") {
  for (const std::string open : {"[", R"({"a":)"}) {
    std::string bomb = R"({"body":)";
    for (int i = 0; i < 10'000; ++i) bomb += open;
    const auto message = Message::parse(bomb);
    REQUIRE_FALSE(message);
    CHECK(message.error().kind == Error::Kind::limit);
  }
}

TEST_CASE("nesting up to the limit is accepted") {
  const std::size_t depth = json_text::depth_max - 1;
  CHECK(Message::parse(R"({"body":)" + std::string(depth, '[') + std::string(depth, ']') + "}"));
  CHECK_FALSE(Message::parse(R"({"body":)" + std::string(depth + 1, '[') + std::string(depth + 1, ']') + "}"));
}

TEST_CASE("text becomes a JSON string and back") {
  const std::string text = "a\"\\\n\t\x01 \xC3\xA4 \xF0\x9F\x98\x80";
  CHECK(json_text::unquoted(json_text::quoted(text)) == text);
  CHECK(json_text::check(json_text::quoted(text)));
  CHECK(json_text::unquoted(R"("\ud83d\ude00 \u00e4 \/")") == "\xF0\x9F\x98\x80 \xC3\xA4 /");
  CHECK(json_text::unquoted(R"("\ud83d")") == "\xEF\xBF\xBD");
  CHECK(json_text::quoted("\xff") == "\"\xEF\xBF\xBD\"");
  CHECK_FALSE(json_text::unquoted("12"));
}

TEST_CASE("members and elements are handed out in order, the last of equal names counts") {
  std::string seen;
  REQUIRE(json_text::members(R"({"a":1,"b\n":[2, 3] ,"a":4})",
                             [&](auto name, auto value) { seen.append(name).append("=").append(value).append(";"); }));
  CHECK(seen == "a=1;b\n=[2, 3];a=4;");
  CHECK(json_text::member(R"({"a":1,"a":4})", "a") == "4");
  seen.clear();
  REQUIRE(json_text::elements(R"([ 1, {"x":[]} ,"s"])", [&](auto value) { seen.append(value).append(";"); }));
  CHECK(seen == R"(1;{"x":[]};"s";)");
}
