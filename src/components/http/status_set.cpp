#include "components/http/status_set.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::components {
namespace {

bool read_status(std::string_view text, int& status) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), status);
  return failed == std::errc() && end == text.data() + text.size() && status >= 100 && status <= 599;
}

}  // namespace

Result<StatusSet> StatusSet::parse(const std::vector<std::string>& texts, std::string_view place) {
  StatusSet set;
  for (const auto& text : texts) {
    const std::string_view whole = text;
    const auto dash = whole.find('-');
    int first = 0;
    int last = 0;
    const bool good =
        read_status(whole.substr(0, dash), first) &&
        (dash == std::string_view::npos ? (last = first, true) : read_status(whole.substr(dash + 1), last));
    if (!good || last < first) {
      return Error{Error::Kind::invalid,
                   std::string(place) + ": \"" + text + "\" is no status such as \"404\" or \"500-599\""};
    }
    set.ranges_.emplace_back(first, last);
  }
  return set;
}

bool StatusSet::contains(int status) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const auto& range) { return status >= range.first && status <= range.second; });
}

}  // namespace millrace::components
