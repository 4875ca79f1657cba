#include "flow/source.hpp"

#include <algorithm>
#include <utility>

namespace millrace::flow {

Source::Source(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)), line_starts_{0} {
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Position Source::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const std::size_t line = static_cast<std::size_t>(after - line_starts_.begin());
  const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(line_starts_[line - 1]);
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(offset);
  const auto characters =
      std::count_if(begin, end, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  return Position{file_, line, static_cast<std::size_t>(characters) + 1};
}

std::size_t Source::line_start(std::size_t line) const {
  return line >= 1 && line <= line_starts_.size() ? line_starts_[line - 1] : text_.size();
}

std::size_t first_unreadable(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      const bool control = (lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r') || lead == 0x7F;
      if (control) return i;
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || i + more >= text.size()) return i;
    char32_t code = lead & (0x3Fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return i;
      code = (code << 6) | (next & 0x3Fu);
    }
    constexpr char32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    if (code < smallest[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return i;
    i += more + 1;
  }
  return std::string_view::npos;
}

std::string document_at(std::string_view text, std::size_t offset) {
  const auto is_marker = [&](std::size_t line) {
    const auto rest = text.substr(line);
    return rest.starts_with("---") &&
           (rest.size() == 3 || std::string_view(" \t\r\n").find(rest[3]) != std::string::npos);
  };
  const auto next_line = [&](std::size_t at) {
    const auto end = text.find('\n', at);
    return end == std::string_view::npos ? text.size() : end + 1;
  };
  std::size_t begin = 0;
  for (std::size_t line = 0; line < text.size(); line = next_line(line)) {
    if (!is_marker(line)) continue;
    if (line > offset) return std::string(text.substr(begin, line - begin));
    // What stands on the marker's own line ("--- { name: a }") belongs to the document.
    const auto end = next_line(line);
    const bool bare = text.substr(line + 3, end - line - 3).find_first_not_of(" \t\r\n") == std::string_view::npos;
    begin = bare ? end : line;
  }
  return std::string(text.substr(begin));
}

}  // namespace millrace::flow
