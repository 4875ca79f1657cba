#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace millrace {

/// A number that names one kind of thing: StrongId<struct QueueTag> cannot be passed where another's id is expected.
template <class Tag>
struct StrongId {
  std::uint64_t value = 0;
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace millrace

template <class Tag>
struct std::hash<millrace::StrongId<Tag>> {
  std::size_t operator()(const millrace::StrongId<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
