#include "history/redaction.hpp"

#include <algorithm>
#include <cstring>

namespace millrace::history {
namespace {

constexpr std::string_view mark = "\"[redacted]\"";

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '-' || c == '_') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return out;
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/// The offset behind a string that begins at `at` with its quote.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; at < text.size();) {
    const auto* quote = static_cast<const char*>(std::memchr(text.data() + at, '"', text.size() - at));
    if (quote == nullptr) return text.size();
    const auto end = static_cast<std::size_t>(quote - text.data());
    std::size_t slashes = 0;
    while (end > at + slashes && text[end - 1 - slashes] == '\\') ++slashes;
    at = end + 1;
    if (slashes % 2 == 0) return at;
  }
  return text.size();
}

std::size_t container_end(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
    if (depth == 0) break;
  }
  return at;
}

std::size_t value_end(std::string_view text, std::size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"') return string_end(text, at);
  if (text[at] == '{' || text[at] == '[') return container_end(text, at);
  while (at < text.size() && text[at] != ',' && text[at] != '}' && text[at] != ']' && !is_space(text[at])) ++at;
  return at;
}

}  // namespace

const std::vector<std::string_view>& Redaction::usual_names() {
  static const std::vector<std::string_view> names = {
      "password",     "passwd",        "passphrase", "secret",     "client_secret", "token",
      "access_token", "refresh_token", "id_token",   "auth_token", "authorization", "proxy-authorization",
      "cookie",       "set-cookie",    "api_key",    "x-api-key",  "private_key",   "credentials"};
  return names;
}

Redaction::Redaction(const std::vector<std::string>& names_and_paths) {
  for (const auto name : usual_names()) names_.push_back(folded(name));
  for (const auto& one : names_and_paths) {
    if (one.find('.') == std::string::npos) {
      names_.push_back(folded(one));
      continue;
    }
    if (parts_.size() + static_cast<std::size_t>(std::ranges::count(one, '.')) + 1 > parts_max) continue;
    firsts_ |= std::uint64_t{1} << parts_.size();
    for (std::size_t at = 0; at <= one.size();) {
      const auto end = std::min(one.find('.', at), one.size());
      parts_.push_back({one.substr(at, end - at), end == one.size()});
      at = end + 1;
    }
  }
  std::ranges::sort(names_);
  for (const auto& name : names_) longest_ = std::max(longest_, name.size());
}

bool Redaction::is_named(std::string_view key) const {
  constexpr std::size_t separators_max = 8;
  if (key.size() > longest_ + separators_max) return false;
  char buffer[128];
  std::size_t size = 0;
  for (const char c : key) {
    if (c == '-' || c == '_') continue;
    if (size == sizeof buffer) return false;
    buffer[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return std::ranges::binary_search(names_, std::string_view(buffer, size));
}

/// One pass over one text. `open_` holds, for each object and list that is open, the parts of paths that its members
/// may be.
class RedactionPass {
 public:
  RedactionPass(const Redaction& rules, std::string_view text, std::string& to)
      : rules_(rules), text_(text), to_(to), next_(rules.firsts_) {}

  bool run() {
    std::size_t at = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '"') {
        at = string(at);
        continue;
      }
      if (rules_.firsts_ != 0) track(c);
      ++at;
    }
    to_.append(text_.substr(copied_));
    return found_;
  }

 private:
  void track(char c) {
    if (c == '{' || c == '[') {
      open_.push_back(next_);
    } else if ((c == '}' || c == ']') && !open_.empty()) {
      open_.pop_back();
      next_ = 0;
    } else if (c == ',' && !open_.empty()) {
      next_ = open_.back();
    }
  }

  /// A string at `at`: a value is passed over, a member's name is judged.
  std::size_t string(std::size_t at) {
    const auto end = string_end(text_, at);
    auto after = end;
    while (after < text_.size() && is_space(text_[after])) ++after;
    if (after == text_.size() || text_[after] != ':') return end;
    ++after;
    const auto key = text_.substr(at + 1, end - at - 2);
    if (!rules_.is_named(key) && !is_path_end(key)) return after;
    while (after < text_.size() && is_space(text_[after])) ++after;
    to_.append(text_.substr(copied_, after - copied_)).append(mark);
    found_ = true;
    copied_ = value_end(text_, after);
    return copied_;
  }

  bool is_path_end(std::string_view key) {
    if (open_.empty()) return false;
    std::uint64_t deeper = 0;
    for (std::size_t i = 0; i < rules_.parts_.size(); ++i) {
      if ((open_.back() >> i & 1) == 0 || rules_.parts_[i].name != key) continue;
      if (rules_.parts_[i].last) return true;
      deeper |= std::uint64_t{1} << (i + 1);
    }
    next_ = deeper;
    return false;
  }

  const Redaction& rules_;
  std::string_view text_;
  std::string& to_;
  std::vector<std::uint64_t> open_;
  std::uint64_t next_;  ///< what the members of the next object or list may be
  std::size_t copied_ = 0;
  bool found_ = false;
};

bool Redaction::apply(std::string_view json, std::string& to) const {
  return RedactionPass(*this, json, to).run();
}

}  // namespace millrace::history
