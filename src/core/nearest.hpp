#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// The known name that a mistyped one most likely means, by edit distance with swapped neighbours counted as one edit
/// (optimal string alignment); letter case and the difference of `-`, `_` and `.` are ignored. Nullopt if none is near:
/// more than a third of the longer name would have to change. Of equally near names the first.
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& known);

/// "did you mean \"known\"?", or, where none is near and they are few, "known: a, b, c"; empty without known names.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace millrace
