#include "component/json_document.hpp"

#include <doctest/doctest.h>

#include "component/json_text.hpp"

using namespace millrace::component;

namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a document is as deep as a message may be, and deeper ones are refused, not followed") {
  CHECK(parse_document(nested(json_text::depth_max))->is_array());
  const auto too_deep = parse_document(nested(100'000));
  REQUIRE_FALSE(too_deep);
  CHECK(too_deep.error().message.starts_with("no JSON: "));
}

TEST_CASE("what is no document is shown as text") {
  CHECK(document_or_text(R"({"a":1})").is_object());
  CHECK(document_or_text("{a").as_string() == "{a");
}
