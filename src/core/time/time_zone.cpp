#include "core/time/time_zone.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <absl/time/time.h>
#include <fmt/format.h>

#include "core/nearest.hpp"

namespace millrace {
namespace {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::string_view allowed_in_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";

/// A name of the database; not a path to somewhere else on the disk.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() < 64 && name.front() != '/' &&
         name.find_first_not_of(allowed_in_names) == std::string_view::npos;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  std::ifstream table("/usr/share/zoneinfo/zone1970.tab");  // countries, coordinates, name, remarks; tabs between
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream columns(line);
    std::string countries;
    std::string coordinates;
    std::string name;
    if (columns >> countries >> coordinates >> name) names.push_back(std::move(name));
  }
  return names;
}

absl::Time to_absl(sys_seconds time) {
  return absl::FromUnixSeconds(time.time_since_epoch().count());
}

local_seconds from_civil(absl::CivilSecond civil) {
  return local_seconds(seconds(civil - absl::CivilSecond()));  // the default is 1970-01-01T00:00:00
}

}  // namespace

struct TimeZone::Rules {
  absl::TimeZone zone;
};

TimeZone TimeZone::utc() {
  static const auto rules = std::make_shared<const Rules>(Rules{absl::UTCTimeZone()});
  return TimeZone(rules);
}

Result<TimeZone> TimeZone::load(std::string_view name) {
  absl::TimeZone zone;
  if (is_name(name) && absl::LoadTimeZone({name.data(), name.size()}, &zone))
    return TimeZone(std::make_shared<const Rules>(Rules{zone}));
  const auto names = known_names();
  auto mend = names.empty() ? std::string("this machine has no time zones: install the package tzdata")
                            : suggestion(name, names);
  if (mend.empty()) mend = "give an IANA name such as Europe/Berlin";
  return Error{Error::Kind::not_found, fmt::format("there is no time zone \"{}\"; {}", name, mend)};
}

local_seconds TimeZone::to_local(sys_seconds time) const {
  return from_civil(rules_->zone.At(to_absl(time)).cs);
}

std::optional<sys_seconds> TimeZone::next_change(sys_seconds time) const {
  absl::TimeZone::CivilTransition change;
  auto at = to_absl(time);
  while (rules_->zone.NextTransition(at, &change)) {
    at = rules_->zone.At(change.to).trans;
    if (change.from != change.to) return sys_seconds(seconds(absl::ToUnixSeconds(at)));
  }
  return std::nullopt;
}

bool TimeZone::is_second_pass(sys_seconds time) const {
  const auto at = to_absl(time);
  const auto civil = rules_->zone.At(rules_->zone.At(at).cs);
  return civil.kind == absl::TimeZone::TimeInfo::REPEATED && at >= civil.trans;
}

}  // namespace millrace
