#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::hosting {

/// Whether what a program has emitted for one message is so much that it takes effect before the message is done with
/// (docs/component-protocol.md).
constexpr bool fills_page(std::uint64_t bytes, std::size_t emissions) {
  constexpr std::uint64_t bytes_max = 8u << 20;
  constexpr std::size_t emissions_max = 1'000;
  return bytes >= bytes_max || emissions >= emissions_max;
}

}  // namespace millrace::hosting
