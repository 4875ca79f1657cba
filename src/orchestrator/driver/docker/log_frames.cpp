#include "orchestrator/driver/docker/log_frames.hpp"

#include <algorithm>

namespace millrace::orchestrator::docker {

void LogFrames::take(std::string_view piece) {
  constexpr std::size_t head_size = 8;
  while (!piece.empty()) {
    if (left_ > 0) {
      const auto part = piece.substr(0, left_);
      left_ -= static_cast<std::uint32_t>(part.size());
      piece.remove_prefix(part.size());
      sink_(part);
      continue;
    }
    const auto part = piece.substr(0, head_size - head_.size());
    head_ += part;
    piece.remove_prefix(part.size());
    if (head_.size() < head_size) return;
    for (std::size_t i = 4; i < head_size; ++i) left_ = left_ << 8 | static_cast<unsigned char>(head_[i]);
    head_.clear();
  }
}

}  // namespace millrace::orchestrator::docker
