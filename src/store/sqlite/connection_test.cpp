#include "store/sqlite/connection.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "store/store.hpp"
#include "store/tokens.hpp"
#include "support/inline_offload.hpp"

namespace {

using namespace millrace;
using store::Store;

struct Folder {
  Folder() {
    char name[] = "/tmp/millrace-store-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file() const { return path + "/store.db"; }
  std::string path;
};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the file is readable by its owner only, and does not hold a token's secret") {
  tests::InlineOffload offload;
  Folder folder;
  std::string text;
  {
    const auto opened = Store::open(offload, folder.file());
    REQUIRE(opened);
    const auto made = (*opened)->now<store::NewToken>([](store::Database& db) {
      return store::Tokens(db).create({{}, "ci", {"operate"}, "local", 5});
    });
    REQUIRE(made);
    text = made->text;
  }
  struct stat found = {};
  REQUIRE(::stat(folder.file().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(bytes_of(folder.file()).find("operate") != std::string::npos);
  CHECK(bytes_of(folder.file()).find(text.substr(text.rfind('_') + 1)) == std::string::npos);
}

TEST_CASE("a file of a newer version is refused and stays as it is") {
  tests::InlineOffload offload;
  Folder folder;
  { REQUIRE(Store::open(offload, folder.file())); }
  std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);
  file.write("\0\0\0\x63", 4);
  file.close();
  const auto before = bytes_of(folder.file());
  const auto opened = Store::open(offload, folder.file());
  REQUIRE(!opened);
  CHECK(opened.error().kind == Error::Kind::unsupported);
  CHECK(opened.error().message.find("newer Millrace") != std::string::npos);
  CHECK(bytes_of(folder.file()) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("a file that is no store is refused and stays as it is") {
  tests::InlineOffload offload;
  Folder folder;
  std::ofstream(folder.file()) << "This is somebody's letter.";
  const auto opened = Store::open(offload, folder.file());
  REQUIRE(!opened);
  CHECK(opened.error().kind == Error::Kind::damaged);
  CHECK(bytes_of(folder.file()) == "This is somebody's letter.");
}
