#include "app/completion.hpp"

#include <array>
#include <cstdio>
#include <fstream>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace millrace::app;

namespace {

const std::vector<CommandWords> commands = {{"millrace", {"flow", "status", "--version"}},
                                            {"millrace flow", {"list", "stop"}},
                                            {"millrace flow list", {"--json", "--server"}}};

/// What a real bash offers after these words, the last of them begun.
std::string offered(const std::string& words) {
  char path[] = "/tmp/millrace-completion-XXXXXX";
  const int file = ::mkstemp(path);
  REQUIRE(file >= 0);
  ::close(file);
  std::ofstream(path) << completion_script("bash", commands) << "COMP_WORDS=(" << words
                      << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_millrace\necho \"${COMPREPLY[*]}\"\n";
  FILE* bash = ::popen(("bash " + std::string(path)).c_str(), "r");
  REQUIRE(bash != nullptr);
  std::array<char, 256> line{};
  REQUIRE(std::fgets(line.data(), line.size(), bash) != nullptr);
  ::pclose(bash);
  ::unlink(path);
  std::string text(line.data());
  text.pop_back();
  return text;
}

}  // namespace

TEST_CASE("bash completes commands, commands of commands, and options") {
  CHECK(offered("millrace ''") == "flow status --version");
  CHECK(offered("millrace fl") == "flow");
  CHECK(offered("millrace flow s") == "stop");
  CHECK(offered("millrace flow list --json --s") == "--server");
  CHECK(offered("millrace nonsense") == "");
}

TEST_CASE("zsh takes the same, and another shell nothing") {
  CHECK(completion_script("zsh", commands).starts_with("autoload -U +X bashcompinit"));
  CHECK(completion_script("fish", commands).empty());
}
