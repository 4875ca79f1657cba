#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace millrace {

/// A time zone of the IANA database (https://www.iana.org/time-zones) as this machine has it, seen as a series of
/// spans of constant offset. A cheap value; safe to use from any thread.
class TimeZone {
 public:
  static TimeZone utc();
  /// By IANA name, e.g. "Europe/Berlin" or "UTC". Error::not_found names the nearest zone, or says that the machine has
  /// no time zone database.
  static Result<TimeZone> load(std::string_view name);

  /// What the zone's clocks show at that time.
  std::chrono::local_seconds to_local(std::chrono::sys_seconds time) const;
  /// The next time after `time` at which the clocks are put forward or back; nullopt if they never are again.
  std::optional<std::chrono::sys_seconds> next_change(std::chrono::sys_seconds time) const;
  /// The clocks were put back, and now show for the second time what they showed before.
  bool is_second_pass(std::chrono::sys_seconds time) const;

 private:
  struct Rules;
  explicit TimeZone(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
  std::shared_ptr<const Rules> rules_;
};

}  // namespace millrace
