#include "orchestrator/driver/output_lines.hpp"

namespace millrace::orchestrator {
namespace {

constexpr std::size_t line_size_max = 4096;
constexpr std::size_t tail_size = 4096;
constexpr std::uint32_t lines_per_second = 100;

}  // namespace

void OutputLines::take(std::string_view piece, io::SteadyTime now) {
  remember(piece);
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    const auto part = piece.substr(0, end);
    const auto room = line_size_max - partial_.size();
    partial_.append(part.substr(0, room));
    cut_ = cut_ || part.size() > room;
    if (end == std::string_view::npos) return;
    line(now);
    piece.remove_prefix(end + 1);
  }
}

void OutputLines::finish(io::SteadyTime now) {
  if (!partial_.empty()) line(now);
  report_left_out();
}

void OutputLines::line(io::SteadyTime now) {
  if (now - second_began_ >= std::chrono::seconds(1)) {
    report_left_out();
    second_began_ = now;
    lines_this_second_ = 0;
  }
  if (++lines_this_second_ > lines_per_second) {
    ++left_out_;
  } else {
    if (cut_) partial_ += " … (cut)";
    if (!partial_.empty() && partial_.back() == '\r') partial_.pop_back();
    sink_(partial_);
  }
  partial_.clear();
  cut_ = false;
}

void OutputLines::report_left_out() {
  if (left_out_ == 0) return;
  sink_("(" + std::to_string(left_out_) + " lines left out: it writes more than 100 a second)");
  left_out_ = 0;
}

void OutputLines::remember(std::string_view piece) {
  if (piece.size() > tail_size) piece.remove_prefix(piece.size() - tail_size);
  if (tail_.size() + piece.size() > 2 * tail_size) tail_.erase(0, tail_.size() + piece.size() - tail_size);
  tail_ += piece;
}

std::string OutputLines::last_output() const {
  std::string_view tail = tail_;
  if (tail.size() > tail_size) {
    tail.remove_prefix(tail.size() - tail_size);
    const auto end = tail.find('\n');
    if (end != std::string_view::npos && end + 1 < tail.size()) tail.remove_prefix(end + 1);
  }
  return std::string(tail);
}

}  // namespace millrace::orchestrator
