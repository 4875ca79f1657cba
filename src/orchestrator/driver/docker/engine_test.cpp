#include <doctest/doctest.h>

#include "orchestrator/driver/docker/engine_address.hpp"
#include "orchestrator/driver/docker/groundwork.hpp"
#include "orchestrator/driver/docker/images.hpp"
#include "orchestrator/driver/docker/log_frames.hpp"

using namespace millrace;
using namespace millrace::orchestrator::docker;

TEST_CASE("an engine is spoken to in version 1.41, or in its oldest if that is later; never in an older one") {
  CHECK(*negotiated_version(R"({"ApiVersion":"1.41","MinAPIVersion":"1.12"})") == "/v1.41");
  CHECK(*negotiated_version(R"({"ApiVersion":"1.47","MinAPIVersion":"1.24"})") == "/v1.41");
  CHECK(*negotiated_version(R"({"ApiVersion":"1.52","MinAPIVersion":"1.44"})") == "/v1.44");
  CHECK(*negotiated_version(R"({"ApiVersion":"2.0"})") == "/v1.41");
  const auto old = negotiated_version(R"({"ApiVersion":"1.9","MinAPIVersion":"1.9"})");
  REQUIRE_FALSE(old);
  CHECK(old.error().message == "it speaks version 1.9 of the Engine API; 1.41 or later is needed (Docker 20.10)");
  for (const auto* text : {"", "<html>", "[]", R"({"ApiVersion":7})", R"({"ApiVersion":"x.y"})"}) {
    CHECK(negotiated_version(text).error().message == "what answers there is not a Docker Engine");
  }
}

TEST_CASE("an engine's address is a socket, or TCP with certificates") {
  CHECK(EngineAddress::parse("unix:///run/d.sock", "")->unix_socket == "/run/d.sock");
  CHECK(EngineAddress::parse("/run/d.sock", "")->unix_socket == "/run/d.sock");
  CHECK(EngineAddress::parse("tcp://10.0.0.5:2376", "/certs")->url == "https://10.0.0.5:2376");
  CHECK(EngineAddress::parse("tcp://127.0.0.1:2375", "")->url == "http://127.0.0.1:2375");
  CHECK(EngineAddress::parse("tcp://10.0.0.5:2375", "").error().message.find("--docker-certs") != std::string::npos);
  for (const auto* text : {"", "unix://", "unix://relative", "tcp://host", "tcp://:2376", "ssh://a:22", "nonsense"}) {
    CHECK_FALSE(EngineAddress::parse(text, "/certs"));
  }
}

TEST_CASE("a pull asks for one tag") {
  CHECK(pull_query("millrace:0.1.0") == "fromImage=millrace&tag=0.1.0");
  CHECK(pull_query("example.com:5000/a/b") == "fromImage=example.com%3A5000%2Fa%2Fb&tag=latest");
  CHECK(pull_query("example.com:5000/a/b:1") == "fromImage=example.com%3A5000%2Fa%2Fb&tag=1");
  CHECK(pull_query("a@sha256:00") == "fromImage=a%40sha256%3A00");
}

TEST_CASE("output comes out of its frames wherever the pieces end") {
  const std::string frames("\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\6 world", 35);
  for (std::size_t size = 1; size <= frames.size(); ++size) {
    std::string text;
    LogFrames reader([&](std::string_view part) { text += part; });
    for (std::size_t at = 0; at < frames.size(); at += size) reader.take(std::string_view(frames).substr(at, size));
    CHECK(text == "hello world");
  }
}
