#include "component/worker_outside.hpp"

#include <cstdio>
#include <string>

#include "io/posix/curl_transfers.hpp"

namespace millrace::component {

Result<std::unique_ptr<io::Transfers>> WorkerOutside::transfers() {
  return io::posix::CurlTransfers::make(loop_);
}

void WorkerOutside::write(Stream stream, std::string_view line) {
  std::FILE* out = stream == Stream::out ? stdout : stderr;
  const auto text = std::string(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

}  // namespace millrace::component
