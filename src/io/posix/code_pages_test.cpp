#include "io/posix/code_pages.hpp"

#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "io/posix/curl_library.hpp"

using namespace millrace;

namespace {

/// Memory of this process that is mapped from files, in kB.
long file_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  long size = 0;
  while (status >> word) {
    if (word == "RssFile:") status >> size;
  }
  return size;
}

}  // namespace

TEST_CASE("code that has only been loaded counts no longer, and still runs") {
  const auto curl = io::posix::CurlLibrary::load();
  REQUIRE(curl);
  const auto before = file_memory();
  io::posix::release_code_pages();
  const auto after = file_memory();
  CHECK(after < before / 2);
  CHECK(fmt::format("{} {:.2f}", "still", 1.5) == "still 1.50");
  CURL* const easy = (*curl)->curl_easy_init();
  CHECK(easy != nullptr);
  (*curl)->curl_easy_cleanup(easy);
}
