#include "jsonata/letter_case.hpp"

#include <algorithm>
#include <string>

#include "jsonata/letter_case_tables.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

std::uint32_t mapped(const CaseRange* ranges, unsigned count, std::uint32_t c) {
  for (const CaseRange *r = std::lower_bound(ranges, ranges + count, c,
                                             [](const CaseRange&range, std::uint32_t v) { return range.last < v; });
       r != ranges + count && r->first <= c + 2; ++r) {
    if (r->first <= c && c <= r->last && (c - r->first) % r->step == 0)
      return static_cast<std::uint32_t>(static_cast<std::int64_t>(c) + r->delta);
  }
  return c;
}

std::string_view map_ascii(Arena& arena, std::string_view text, char first, char last) {
  auto wanted = [&](char c) { return c >= first && c <= last; };
  if (std::none_of(text.begin(), text.end(), wanted)) return text;
  char* to = static_cast<char*>(arena.allocate(text.size()));
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    to[i] = wanted(c) ? static_cast<char>(c ^ 0x20) : c;
  }
  return {to, text.size()};
}

/// A capital sigma at the end of a word becomes the final form.
bool ends_word(std::string_view text, std::size_t before, std::size_t after) {
  auto is_letter = [](std::uint32_t c) {
    return mapped(lower_ranges, lower_ranges_count, c) != c || mapped(upper_ranges, upper_ranges_count, c) != c ||
           (c < 0x80 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
  };
  bool letter_before = false;
  for (std::size_t at = 0; at < before;) letter_before = is_letter(next_code_point(text, at));
  std::size_t at = after;
  return letter_before && (after >= text.size() || !is_letter(next_code_point(text, at)));
}

}  // namespace

std::string_view to_lower(Arena& arena, std::string_view text) {
  if (is_ascii(text)) return map_ascii(arena, text, 'A', 'Z');
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t start = at;
    std::uint32_t c = next_code_point(text, at);
    if (c < 0x80) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : static_cast<char>(c);
    } else if (c == 0x130) {
      out += "i\xcc\x87";
    } else if (c == 0x3a3 && ends_word(text, start, at)) {
      append_code_point(out, 0x3c2);
    } else if (std::uint32_t to = mapped(lower_ranges, lower_ranges_count, c); to != c) {
      append_code_point(out, to);
    } else {
      out.append(text, start, at - start);
    }
  }
  return arena.copy(out);
}

std::string_view to_upper(Arena& arena, std::string_view text) {
  if (is_ascii(text)) return map_ascii(arena, text, 'a', 'z');
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t start = at;
    std::uint32_t c = next_code_point(text, at);
    if (c < 0x80) {
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20u) : static_cast<char>(c);
      continue;
    }
    const CaseExpansion* end = upper_expansions + upper_expansions_count;
    const CaseExpansion* e = std::lower_bound(upper_expansions, end, c,
                                              [](const CaseExpansion& x, std::uint32_t v) { return x.letter < v; });
    if (e != end && e->letter == c) {
      for (std::uint32_t u : e->upper) {
        if (u != 0) append_code_point(out, u);
      }
    } else if (std::uint32_t to = mapped(upper_ranges, upper_ranges_count, c); to != c) {
      append_code_point(out, to);
    } else {
      out.append(text, start, at - start);
    }
  }
  return arena.copy(out);
}

}  // namespace millrace::jsonata
