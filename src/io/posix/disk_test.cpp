#include "io/posix/disk.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace millrace::io;

TEST_CASE("more pieces than the system takes at once are written one behind the other") {
  const auto folder = std::filesystem::temp_directory_path() / ("millrace-disk-" + std::to_string(::getpid()));
  {
    auto disk = posix::PosixDisk::open(folder.string());
    REQUIRE(disk);
    auto file = (*disk)->open("pieces", Disk::Open::create_new);
    REQUIRE(file);
    std::vector<std::string> written;
    for (std::size_t i = 0; i < 2'500; ++i)
      written.emplace_back(i % 7 == 0 ? 0 : i % 91, static_cast<char>('a' + i % 26));
    const std::vector<std::string_view> pieces(written.begin(), written.end());
    std::string all(13, '\0');
    for (const auto& piece : written) all += piece;
    REQUIRE((*file)->write_at(13, pieces));
    const auto found = (*file)->read_at(0, all.size() + 1);
    REQUIRE(found);
    CHECK(*found == all);
  }
  std::filesystem::remove_all(folder);
}
