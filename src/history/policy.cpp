#include "history/policy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/checksum.hpp"

namespace millrace::history {
namespace {

using Record = Policy::Record;
constexpr std::array<std::pair<Record, std::string_view>, 4> names = {
    {{Record::none, "none"}, {Record::errors, "errors"}, {Record::sampled, "sampled"}, {Record::full, "full"}}};

}  // namespace

bool Policy::whole(std::string_view execution) const {
  if (record == Record::full) return true;
  if (record != Record::sampled) return false;
  constexpr std::uint64_t seed = 0x73616d706c65;
  constexpr double all = 18446744073709551616.0;  // 2^64
  return static_cast<double>(storage::checksum(execution, seed)) < fraction * all;
}

std::string_view to_string(Record record) {
  return std::ranges::find(names, record, &std::pair<Record, std::string_view>::first)->second;
}

std::optional<Record> record_of(std::string_view text) {
  const auto found = std::ranges::find(names, text, &std::pair<Record, std::string_view>::second);
  return found == names.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace millrace::history
