#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "flow/load.hpp"

namespace millrace::flow {
namespace {

/// A file in a folder of its own that goes with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(path()) << text;
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "env").string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("an env file holds names and values, comments and quotes as in a shell") {
  const TemporaryFile file(
      "# comment\n\nA=1\nexport B = two words # comment\r\nC=\"x # \\\"y\\\" \\$z\\n\"  # c\nD='$x "
      "\"y\"'\nE=\nF=a#b\n");
  const auto variables = read_env_file(file.path());
  REQUIRE(variables);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"A", "1"}, {"B", "two words"}, {"C", "x # \"y\" $z\n"}, {"D", "$x \"y\""}, {"E", ""}, {"F", "a#b"}};
  CHECK(*variables == expected);
}

TEST_CASE("a bad line of an env file is told with its place") {
  const TemporaryFile no_equals("A=1\nB\n");
  CHECK(read_env_file(no_equals.path()).error().message == no_equals.path() + ":2: not of the form NAME=value");
  const TemporaryFile open_quote("A=\"1\n");
  CHECK(read_env_file(open_quote.path()).error().message == open_quote.path() + ":1: A: the quotes do not match");
  CHECK(read_env_file("/nonexistent/env").error().message == "/nonexistent/env: cannot be read");
}

}  // namespace millrace::flow
