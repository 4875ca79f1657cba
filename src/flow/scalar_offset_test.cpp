#include <doctest/doctest.h>

#include "flow/document.hpp"

namespace millrace::flow {
namespace {

/// Checks that every visible ASCII character of the value `v` of the document is found in the file, in order.
std::string places(const std::string& text) {
  const Source source("f.yaml", text);
  const auto documents = parse_documents(source);
  REQUIRE(documents);
  const Node* node = documents->front()->find("v");
  REQUIRE(node != nullptr);
  std::string out;
  for (std::size_t i = 0; i < node->text.size(); ++i) {
    const char c = node->text[i];
    if (c <= ' ' || c > '~') continue;
    const std::size_t at = offset_inside(source, *node, i);
    CHECK_MESSAGE(at < text.size(), node->text, " at ", i);
    out += at < text.size() ? text[at] : '?';
  }
  return out;
}

}  // namespace

TEST_CASE("places inside scalars of every style are found in the file") {
  CHECK(places("v: plain text\n") == "plaintext");
  CHECK(places("v: plain text\n  over two\n\n  and more lines\n") == "plaintextovertwoandmorelines");
  CHECK(places("v: 'it''s; ''q'''\n") == "it's;'q'");
  CHECK(places("v: \"a\\n\\u00e4\\x41b \\\"c\\\" \\U0001F600d\"\n") == "a\\b\\c\\d");
  CHECK(places("v: \"a\n  b\\\n  c\n\n  d\"\n") == "abcd");
  CHECK(places("v: |\n  one\n    two\n\n  three\n") == "onetwothree");
  CHECK(places("a:\n  b:\nv: |2-\n    one\n  two\n") == "onetwo");
  CHECK(places("v: &x |\n\n\n    one\n     two\n") == "onetwo");
  CHECK(places("v: |  # a comment\r\n  one\r\n  two\r\n") == "onetwo");
  CHECK(places("v: >\n  one\n  two\n\n  three\n    four\n  five\n") == "onetwothreefourfive");
}

TEST_CASE("a place is told by characters, not bytes") {
  const Source source("f.yaml", "äö: x\nü€😀y");
  CHECK(source.position(6).column == 5);
  const Position last = source.position(source.text().size() - 1);
  CHECK(last.line == 2);
  CHECK(last.column == 4);
}

}  // namespace millrace::flow
