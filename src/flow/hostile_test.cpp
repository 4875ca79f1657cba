#include <doctest/doctest.h>

#include "flow/document.hpp"
#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

const std::string too_deep = "values stand inside each other more than 64 levels deep (make it flatter)\n";

}  // namespace

TEST_CASE("broken YAML is told with its place") {
  const std::string mend = " (look at the indentation, colons, quotes and brackets here and in the line above)\n";
  CHECK(problems_of("name: a\nsteps: [ {\n") == "f.yaml:3:1: not readable as YAML: end of map flow not found" + mend);
  CHECK(problems_of("name: a\n bad: b\n") == "f.yaml:2:5: not readable as YAML: illegal map value" + mend);
  CHECK(problems_of("name: \"a\nsteps: b\n") ==
        "f.yaml:1:7: the text that begins here has no closing quote (close it where the text ends)\n");
  CHECK(problems_of("name: 'it''s\nsteps: b\n") ==
        "f.yaml:1:7: the text that begins here has no closing quote (close it where the text ends)\n");
  CHECK(problems_of("a: *x\n") == "f.yaml:1:4: not readable as YAML: the referenced anchor is not defined" + mend);
}

TEST_CASE("broken JSON is told of as JSON, where it breaks") {
  const std::string broken =
      "not readable as JSON from here on (look at the commas, colons, quotes and brackets here and just before)\n";
  CHECK(problems_of("{\n \"name\": \"a\"\n \"steps\": [] }", "f.json") == "f.json:3:2: " + broken);
  CHECK(problems_of("{ \"name\": \"a\", \"steps\": [ { \"id\": \n\n", "f.json") == "f.json:1:34: " + broken);
  CHECK(problems_of("{ \"name\": \"a\" ]", "f.json") == "f.json:1:15: " + broken);
}

TEST_CASE("a tab that indents YAML is shown") {
  CHECK(problems_of("name: a\nsteps:\n  \t- { id: t }\n") ==
        "f.yaml:3:3: not readable as YAML: indented with a tab (indent with spaces)\n");
}

TEST_CASE("a stray sign is refused, not read for ever") {
  const std::string refused = "not readable as YAML: nothing can begin with this (remove it, or put it in quotes)\n";
  CHECK(problems_of(",") == "f.yaml:1:1: " + refused);
  CHECK(problems_of("---\n, \"a\"\n") == "f.yaml:2:1: " + refused);
}

TEST_CASE("YAML that has no meaning in a flow file is refused") {
  CHECK(problems_of("name: !!binary aGk=\n") ==
        "f.yaml:1:7: YAML tags (!name) have no meaning here (remove the tag; quotes make a value text)\n");
  CHECK(problems_of("name: {{ x }}\n") ==
        "f.yaml:1:8: a name is expected here, but this is a mapping (put quotes around "
        "a value that begins with { or [)\n");
  CHECK(problems_of("a: &x [ *x ]\n") ==
        "f.yaml:1:9: an alias stands inside the value that it names (write the value out)\n");
}

TEST_CASE("what is not text is refused with its place") {
  const std::string refused = "not text: a control character or malformed UTF-8 (save the file as UTF-8)\n";
  CHECK(problems_of("name: a\nb: \x04\n") == "f.yaml:2:4: " + refused);
  CHECK(problems_of(std::string_view("name: \0", 7)) == "f.yaml:1:7: " + refused);
  CHECK(problems_of("name: \xC3(") == "f.yaml:1:7: " + refused);
  CHECK(problems_of("name: \xED\xA0\x80") == "f.yaml:1:7: " + refused);
  CHECK(problems_of("name: \xF0\x9F\x98") == "f.yaml:1:7: " + refused);
}

TEST_CASE("10,000 levels of JSON or YAML are refused, not followed") {
  CHECK(problems_of(repeated("[", 10'000)) == "f.yaml:1:33: " + too_deep);
  CHECK(problems_of(repeated("[", 10'000) + repeated("]", 10'000)) == "f.yaml:1:65: " + too_deep);
  CHECK(problems_of(repeated("{\"a\":", 10'000) + "1" + repeated("}", 10'000)) == "f.yaml:1:321: " + too_deep);
  CHECK(problems_of(repeated("- ", 10'000) + "x") == "f.yaml:1:129: " + too_deep);
  CHECK(problems_of(repeated("[", file_size_max)) == "f.yaml:1:33: " + too_deep);
}

TEST_CASE("aliases that multiply are refused before they are written out") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + repeated(before + ", ", 9) + before + "]\n";
  }
  CHECK(problems_of(bomb) == "f.yaml:5:55: more than 100000 values, aliases written out (use fewer aliases)\n");
}

TEST_CASE("aliases do not hide depth") {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "b" + std::to_string(i);
    text += name + ": &" + name + " [" + (i == 0 ? "x" : "*b" + std::to_string(i - 1)) + "]\n";
  }
  CHECK(problems_of(text) == "f.yaml:64:12: " + too_deep);
}

TEST_CASE("a file of more than 1 MiB is refused") {
  CHECK(problems_of("# " + std::string(file_size_max, 'x')) ==
        "f.yaml:1:1: the file has more than the 1048576 bytes allowed (split the flows over several files)\n");
}

TEST_CASE("a file that cannot be read is told") {
  const auto flows = load_files({"/nonexistent/flow.yaml", "/tmp"}, test_catalogue(), test_variable);
  REQUIRE(!flows);
  REQUIRE(flows.error().size() == 2);
  CHECK(flows.error()[0].to_string() == "/nonexistent/flow.yaml: cannot be read: No such file or directory");
  CHECK(flows.error()[1].to_string() == "/tmp: is a folder (name the flow files in it)");
}

}  // namespace millrace::flow
