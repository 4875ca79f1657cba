#include "core/text_diff.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace millrace {
namespace {

constexpr std::size_t context = 3;

using Lines = std::vector<std::string_view>;

struct Edit {
  char kind;  // ' ', '-' or '+'
  std::string_view line;
};

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Myers' search: for each number of changes the furthest point on each diagonal is kept, and walked back.
class Search {
 public:
  Search(const Lines& before, const Lines& after)
      : before_(before), after_(after), n_(static_cast<int>(before.size())), m_(static_cast<int>(after.size())) {}

  std::vector<Edit> edits() {
    const int most = std::min(n_ + m_, diff_changes_max);
    for (int d = 0; d <= most; ++d) {
      if (extend(d)) return walk_back(d);
    }
    std::vector<Edit> replaced;
    for (const auto line : before_) replaced.push_back({'-', line});
    for (const auto line : after_) replaced.push_back({'+', line});
    return replaced;
  }

 private:
  /// Furthest x on diagonal k with d changes.
  int& x_at(int d, int k) { return furthest_[static_cast<std::size_t>(d)][static_cast<std::size_t>(k + d)]; }

  bool comes_from_above(int d, int k) { return k == -d || (k != d && x_at(d - 1, k - 1) < x_at(d - 1, k + 1)); }

  bool extend(int d) {
    furthest_.emplace_back(2 * static_cast<std::size_t>(d) + 1, 0);
    for (int k = -d; k <= d; k += 2) {
      int x = 0;
      if (d > 0) x = comes_from_above(d, k) ? x_at(d - 1, k + 1) : x_at(d - 1, k - 1) + 1;
      int y = x - k;
      while (x < n_ && y < m_ && x >= 0 && y >= 0 && same(x, y)) {
        ++x;
        ++y;
      }
      x_at(d, k) = x;
      if (x >= n_ && y >= m_) return true;
    }
    return false;
  }

  bool same(int x, int y) const { return before_[static_cast<std::size_t>(x)] == after_[static_cast<std::size_t>(y)]; }

  std::vector<Edit> walk_back(int d) {
    std::vector<Edit> edits;
    int x = n_;
    int y = m_;
    for (; d >= 0; --d) {
      const int k = x - y;
      const bool above = d > 0 && comes_from_above(d, k);
      const int start_k = d == 0 ? 0 : above ? k + 1 : k - 1;
      const int start_x = d == 0 ? 0 : x_at(d - 1, start_k);
      const int start_y = start_x - start_k;
      const int run_x = d == 0 ? 0 : above ? start_x : start_x + 1;
      while (x > run_x) {
        edits.push_back({' ', before_[static_cast<std::size_t>(--x)]});
        --y;
      }
      if (d == 0) break;
      if (above) {
        edits.push_back({'+', after_[static_cast<std::size_t>(start_y)]});
      } else {
        edits.push_back({'-', before_[static_cast<std::size_t>(start_x)]});
      }
      x = start_x;
      y = start_y;
    }
    std::ranges::reverse(edits);
    return edits;
  }

  const Lines& before_;
  const Lines& after_;
  const int n_;
  const int m_;
  std::vector<std::vector<int>> furthest_;
};

/// Where the hunk that begins at `first` ends: before a run of unchanged lines that is too long to be context of two.
std::size_t end_of_hunk(const std::vector<Edit>& edits, std::size_t first) {
  std::size_t last_change = first;
  for (std::size_t i = first; i < edits.size() && i - last_change <= 2 * context; ++i) {
    if (edits[i].kind != ' ') last_change = i;
  }
  return std::min(last_change + context + 1, edits.size());
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name) {
  if (before == after) return {};
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  const auto edits = Search(old_lines, new_lines).edits();
  std::string out = fmt::format("--- {}\n+++ {}\n", before_name, after_name);
  std::size_t old_line = 1;
  std::size_t new_line = 1;
  std::size_t at = 0;
  const auto pass = [&](const Edit& edit) {
    old_line += edit.kind != '+';
    new_line += edit.kind != '-';
  };
  while (at < edits.size()) {
    const auto change = std::find_if(edits.begin() + static_cast<std::ptrdiff_t>(at), edits.end(),
                                     [](const Edit& e) { return e.kind != ' '; });
    if (change == edits.end()) break;
    const auto index = static_cast<std::size_t>(change - edits.begin());
    const auto begin = std::max(at, index - std::min(index, context));
    const auto end = end_of_hunk(edits, index);
    for (; at < begin; ++at) pass(edits[at]);
    std::string body;
    const auto old_begin = old_line;
    const auto new_begin = new_line;
    for (; at < end; ++at) {
      body += edits[at].kind + std::string(edits[at].line) + "\n";
      pass(edits[at]);
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n{}", old_begin - (old_line == old_begin), old_line - old_begin,
                       new_begin - (new_line == new_begin), new_line - new_begin, body);
  }
  return out;
}

}  // namespace millrace
