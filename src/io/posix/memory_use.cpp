#include "io/posix/memory_use.hpp"

#include <cstdio>

#include <malloc.h>
#include <unistd.h>

namespace millrace::io::posix {

MemoryUse memory_use() {
  MemoryUse use;
  const auto info = ::mallinfo2();
  use.allocated = info.uordblks + info.hblkhd;
  if (auto* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long size = 0;
    unsigned long resident = 0;
    if (std::fscanf(file, "%lu %lu", &size, &resident) == 2) {
      use.resident = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    std::fclose(file);
  }
  return use;
}

void release_free_memory() {
  ::malloc_trim(0);
}

std::uint64_t memory_there_is() {
  auto there_is =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (auto* file = std::fopen("/sys/fs/cgroup/memory.max", "re")) {  // "max" where there is no limit
    unsigned long long limit = 0;
    if (std::fscanf(file, "%llu", &limit) == 1 && limit < there_is) there_is = limit;
    std::fclose(file);
  }
  return there_is;
}

}  // namespace millrace::io::posix
