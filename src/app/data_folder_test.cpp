#include "app/data_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace millrace;
using namespace millrace::app;

namespace {

struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace-data-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

}  // namespace

TEST_CASE("a data folder is made with its parents, for this user only, and free again after its owner's end") {
  const TemporaryFolder temporary;
  const std::string path = temporary.path + "/a/b";
  {
    const auto folder = DataFolder::open(path, DataFolder::Missing::create);
    REQUIRE(folder);
    CHECK(std::filesystem::is_directory(folder->broker_folder()));
    CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
    const auto second = DataFolder::open(path, DataFolder::Missing::create);
    REQUIRE(!second);
    CHECK(second.error().kind == Error::Kind::conflict);
    CHECK(second.error().message.find("process " + std::to_string(::getpid())) != std::string::npos);
  }
  CHECK(DataFolder::open(path, DataFolder::Missing::fail));
}

TEST_CASE("a folder that is a file, or is not there, is an error that names it") {
  const TemporaryFolder temporary;
  std::ofstream(temporary.path + "/file") << "x";
  const auto file = DataFolder::open(temporary.path + "/file", DataFolder::Missing::create);
  REQUIRE(!file);
  CHECK(file.error().message.find("there is a file of that name") != std::string::npos);
  const auto absent = DataFolder::open(temporary.path + "/absent", DataFolder::Missing::fail);
  REQUIRE(!absent);
  CHECK(absent.error().kind == Error::Kind::not_found);
}
