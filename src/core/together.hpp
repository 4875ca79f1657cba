#pragma once

#include <cstddef>
#include <functional>

#include "core/result.hpp"

namespace millrace {

/// To be given to `count` things that end by themselves, at least one: `all`, which may be empty, is told once the last
/// of them has, with the first Error that there was, or Done.
std::function<void(const Status&)> together(std::size_t count, std::function<void(Status)> all);

}  // namespace millrace
