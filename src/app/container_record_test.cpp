#include "app/container_record.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

using namespace millrace;
using app::ContainerRecord;

namespace {

struct Folder {
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace-record-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file() const { return path + "/containers.json"; }
  std::string path;
};

}  // namespace

TEST_CASE("a platform is known again by its record, with the ports of its doors") {
  const Folder folder;
  auto first = ContainerRecord::load(folder.file());
  REQUIRE(first);
  CHECK(first->is_new);
  CHECK(first->platform.size() == 12);
  first->amqp_port = 50001;
  first->api_port = 50002;
  REQUIRE(first->save(folder.file()));
  const auto second = ContainerRecord::load(folder.file());
  REQUIRE(second);
  CHECK_FALSE(second->is_new);
  CHECK(second->platform == first->platform);
  CHECK(second->amqp_port == 50001);
  CHECK(second->api_port == 50002);
}

TEST_CASE("a record that cannot be read is named, not replaced: its platform may have containers") {
  const Folder folder;
  for (const auto* text : {"", "{", "[]", R"({"platform":"../../etc"})", R"({"platform":7})"}) {
    std::ofstream(folder.file()) << text;
    const auto record = ContainerRecord::load(folder.file());
    REQUIRE_FALSE(record);
    CHECK(record.error().kind == Error::Kind::damaged);
    CHECK(record.error().message.find(folder.file()) != std::string::npos);
  }
}

TEST_CASE("a record that cannot be written says so") {
  CHECK_FALSE(ContainerRecord{.platform = "0123456789ab"}.save("/there/is/no/such/folder/containers.json"));
}
