#include "orchestrator/driver/docker/registry_logins.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include "component/base64.hpp"

using namespace millrace;
using orchestrator::docker::registry_of;
using orchestrator::docker::RegistryLogins;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("millrace-logins-{}", ::getpid());
  explicit Folder(std::string_view config) {
    std::filesystem::create_directories(path);
    std::ofstream(path / "config.json") << config;
  }
  ~Folder() { std::filesystem::remove_all(path); }

  /// The login that a pull of this image would carry, as JSON; empty: none.
  std::string login(std::string_view image) const {
    auto header = RegistryLogins(path.string()).header_for(image);
    REQUIRE(header);
    for (char& c : *header) c = c == '-' ? '+' : c == '_' ? '/' : c;
    return component::base64_decoded(*header).value();
  }
};

}  // namespace

TEST_CASE("an image's name says its registry as Docker reads it") {
  CHECK(registry_of("example.com/crm:1") == "example.com");
  CHECK(registry_of("127.0.0.1:5000/acme/crm") == "127.0.0.1:5000");
  CHECK(registry_of("localhost/crm") == "localhost");
  CHECK(registry_of("acme/crm:1.4") == "docker.io");
  CHECK(registry_of("alpine") == "docker.io");
  CHECK(registry_of("index.docker.io/acme/crm") == "docker.io");
}

TEST_CASE("logins are those of docker login: one a registry, as Base64, in words, or a token") {
  const Folder folder(fmt::format(
      R"({{"auths":{{"example.com":{{"auth":"{}"}},"https://index.docker.io/v1/":{{"username":"ada","password":"p?w"}},)"
      R"("localhost:5000":{{"auth":"","identitytoken":"t-1"}},"empty.example":{{}}}}}})",
      component::base64_encoded("grace:a:b>>?")));
  CHECK(folder.login("example.com/crm:1") ==
        R"({"username":"grace","password":"a:b>>?","serveraddress":"example.com"})");
  CHECK(folder.login("acme/crm") ==
        R"({"username":"ada","password":"p?w","serveraddress":"https://index.docker.io/v1/"})");
  CHECK(folder.login("localhost:5000/crm") == R"({"identitytoken":"t-1","serveraddress":"localhost:5000"})");
  CHECK(folder.login("other.example/crm").empty());
  CHECK(folder.login("empty.example/crm").empty());
}

TEST_CASE("without a folder or a file there are no logins; a file that is none, or asks programs, is named") {
  CHECK(RegistryLogins("").header_for("example.com/a")->empty());
  CHECK(RegistryLogins("/nowhere").header_for("example.com/a")->empty());
  {
    const Folder folder("nonsense");
    const auto header = RegistryLogins(folder.path.string()).header_for("example.com/a");
    REQUIRE_FALSE(header);
    CHECK(header.error().message.find(folder.path.string() + "/config.json") != std::string::npos);
  }
  const Folder folder(R"({"auths":{"example.com":{}},"credsStore":"desktop","credHelpers":{"gcr.io":"gcloud"}})");
  const RegistryLogins logins(folder.path.string());
  CHECK(logins.header_for("example.com/a").error().message.find("docker-credential-desktop") != std::string::npos);
  CHECK(logins.header_for("gcr.io/a").error().message.find("docker-credential-gcloud") != std::string::npos);
}
