#include "app/file_limit.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace millrace::app {

void raise_file_limit() {
  constexpr rlim_t enough = 65'536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
  limit.rlim_cur = std::min(limit.rlim_max, enough);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace millrace::app
