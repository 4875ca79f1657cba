#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// The difference of two texts in unified format (as `diff -u` gives it), with three lines around each change; empty if
/// there is none. By E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986); texts that differ in more
/// than `changes_max` lines are shown as one replaced by the other.
std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name);

inline constexpr int diff_changes_max = 2'000;

}  // namespace millrace
