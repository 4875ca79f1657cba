#include "component/worker_outside.hpp"

#include <cstdio>
#include <string>

#include "core/log_line.hpp"
#include "io/posix/curl_transfers.hpp"

namespace millrace::component {

Result<std::unique_ptr<io::Transfers>> WorkerOutside::transfers() {
  return io::posix::CurlTransfers::make(loop_);
}

void WorkerOutside::write(Stream stream, std::string_view line, const Subject& subject) {
  std::FILE* out = stream == Stream::out ? stdout : stderr;
  log::Line written{std::chrono::floor<std::chrono::milliseconds>(loop_.wall_now()), log::Level::info, who_, "message"};
  written.facts = {{"text", std::string(line)},
                   {"execution", std::string(subject.execution_id)},
                   {"message", std::string(subject.message_id)}};
  const auto text = log::to_text(written) + "\n";
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

}  // namespace millrace::component
