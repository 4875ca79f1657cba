#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace millrace::storage {

/// XXH3, 64 bits, with a seed: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
std::uint64_t checksum(std::string_view bytes, std::uint64_t seed);

/// XXH3, 128 bits: what a dedup window keeps of a message-id.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};
Digest digest(std::string_view bytes);

}  // namespace millrace::storage
