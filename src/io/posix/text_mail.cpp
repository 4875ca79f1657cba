#include "io/posix/text_mail.hpp"

#include <string_view>

namespace millrace::io::posix {
namespace {

constexpr std::size_t line_max = 76;  // quoted-printable, RFC 2045 §6.7

/// Calls `line` with each line of the text, without its CR LF, LF or CR.
template <class Line>
void each_line(std::string_view text, Line line) {
  for (;;) {
    const auto end = text.find_first_of("\r\n");
    line(text.substr(0, end));
    if (end == std::string_view::npos) return;
    const bool pair = text.substr(end, 2) == "\r\n";
    text.remove_prefix(end + (pair ? 2 : 1));
    if (text.empty()) return;
  }
}

bool is_short_ascii(std::string_view text) {
  bool plain = true;
  each_line(text, [&](std::string_view line) {
    plain = plain && line.size() <= 990;
    for (const char c : line) plain = plain && static_cast<unsigned char>(c) < 0x7f && (c >= ' ' || c == '\t');
  });
  return plain;
}

void append_quoted_line(std::string& out, std::string_view line) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const bool last = i + 1 == line.size();
    const bool space = byte == ' ' || byte == '\t';
    const bool literal = (byte > ' ' && byte < 0x7f && byte != '=') || (space && !last);
    const std::size_t width = literal ? 1 : 3;
    if (column + width > line_max - (last ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (literal) {
      out += line[i];
    } else {
      out.append("=").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    column += width;
  }
  out += "\r\n";
}

}  // namespace

std::string text_mail(const std::vector<std::string>& headers, const MailPart& body) {
  const bool plain = is_short_ascii(body.bytes);
  std::string out;
  for (const auto& header : headers) out.append(header).append("\r\n");
  out += "MIME-Version: 1.0\r\nContent-Type: " + body.content_type + "\r\nContent-Transfer-Encoding: ";
  out += plain ? "7bit\r\n\r\n" : "quoted-printable\r\n\r\n";
  each_line(body.bytes, [&](std::string_view line) {
    if (plain) {
      out.append(line).append("\r\n");
    } else {
      append_quoted_line(out, line);
    }
  });
  return out;
}

}  // namespace millrace::io::posix
