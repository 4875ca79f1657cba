#include "orchestrator/driver/docker/container_state.hpp"

#include <doctest/doctest.h>

using namespace millrace::orchestrator::docker;

namespace {

ContainerState read(const std::string& state) {
  const auto result = ContainerState::read(
      R"({"Id":"abc","State":)" + state +
          R"(,"Config":{"Env":["A=b","ELASTICIO_API_USERNAME=u","ELASTICIO_API_KEY=p=q"],)"
          R"("Labels":{"millrace.platform":"mine","millrace.worker":"f/s.1","millrace.made-as":"h"}},)"
          R"("HostConfig":{"Memory":64000000}})",
      "mine");
  REQUIRE(result);
  return *result;
}

std::string reason(const std::string& state) {
  return read(state).exit().reason;
}

}  // namespace

TEST_CASE("a container's labels and credentials are read from what the engine tells") {
  const auto state = read(R"({"Status":"running","Running":true,"ExitCode":0})");
  CHECK(state.id == "abc");
  CHECK(state.is_ours);
  CHECK(state.worker == "f/s.1");
  CHECK(state.made_as == "h");
  CHECK(state.credentials.user == "u");
  CHECK(state.credentials.password == "p=q");
  CHECK(state.running);
  CHECK_FALSE(state.created);
}

TEST_CASE("how a container ended is told in words") {
  CHECK(reason(R"({"Status":"exited","Running":false,"ExitCode":0})") == "exited with 0");
  CHECK(reason(R"({"Status":"exited","Running":false,"ExitCode":3})") == "exited with 3");
  CHECK(reason(R"({"Status":"exited","Running":false,"ExitCode":139})") == "killed by SIGSEGV");
  CHECK(reason(R"({"Status":"exited","Running":false,"ExitCode":137,"OOMKilled":false})") ==
        "killed by SIGKILL, from outside");
  CHECK(reason(R"({"Status":"exited","Running":false,"ExitCode":137,"OOMKilled":true})") ==
        "over its memory limit of 64 MB (OOM), killed by the kernel");
  CHECK(reason(R"({"Status":"created","Running":false,"ExitCode":127,"Error":"exec: not found"})") ==
        "could not be started: exec: not found");
  CHECK(read(R"({"Status":"exited","Running":false,"ExitCode":0})").exit().clean);
  CHECK_FALSE(read(R"({"Status":"exited","Running":false,"ExitCode":1})").exit().clean);
}

TEST_CASE("somebody else's container is not ours, and what is no account of a container is told") {
  CHECK_FALSE(ContainerState::read(R"({"Id":"a","State":{},"Config":{"Labels":null}})", "mine")->is_ours);
  CHECK_FALSE(
      ContainerState::read(R"({"Id":"a","State":{},"Config":{"Labels":{"millrace.platform":"x"}}})", "mine")->is_ours);
  for (const auto* text : {"", "[]", "{}", R"({"Id":5,"State":{}})", R"({"Id":"a","State":5})"}) {
    CHECK_FALSE(ContainerState::read(text, "mine"));
  }
}
