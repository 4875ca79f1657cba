#pragma once

#include <cstdint>

namespace millrace::jsonata {

/// Code points first..last, every step-th of them, map to themselves plus delta.
struct CaseRange {
  std::uint32_t first;
  std::uint32_t last;
  std::int32_t delta;
  std::uint32_t step;
};

/// A letter whose upper case is several letters.
struct CaseExpansion {
  std::uint32_t letter;
  std::uint32_t upper[3];
};

extern const CaseRange lower_ranges[];
extern const unsigned lower_ranges_count;
extern const CaseRange upper_ranges[];
extern const unsigned upper_ranges_count;
extern const CaseExpansion upper_expansions[];
extern const unsigned upper_expansions_count;

}  // namespace millrace::jsonata
