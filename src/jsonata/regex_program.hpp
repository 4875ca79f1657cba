#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace millrace::jsonata {

/// A regular expression of the source, compiled by PCRE2 to ECMAScript's rules. Immutable, shared between threads.
/// Throws Failure D1004 when applied where it matches the empty string, U1001 when its match limits are reached.
class RegexProgram {
 public:
  /// Throws Failure S0303 for a pattern PCRE2 does not take.
  RegexProgram(std::string_view pattern, std::string_view flags, std::int64_t position);
  ~RegexProgram();
  RegexProgram(const RegexProgram&) = delete;
  RegexProgram& operator=(const RegexProgram&) = delete;

  struct Span {
    std::size_t start = 0;
    std::size_t end = 0;
    bool set = false;
  };
  struct Match {
    const Span* groups = nullptr;  ///< [0] is the whole match
    std::size_t group_count = 0;
  };

  /// The first match at or after `start`. False: there is none. `match` stays valid until the thread's next search.
  bool search(std::string_view subject, std::size_t start, Match& match) const;

  std::string_view pattern() const { return pattern_; }

 private:
  std::string pattern_;
  pcre2_real_code_8* code_ = nullptr;
};

}  // namespace millrace::jsonata
