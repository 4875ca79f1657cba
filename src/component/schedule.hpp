#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "core/result.hpp"
#include "core/time/cron.hpp"
#include "core/time/time_zone.hpp"
#include "io/loop.hpp"

namespace millrace::component {

/// When a trigger is due, from its fields `every` (at that interval) or `cron` with `time_zone`, and `catch_up`.
class Schedule {
 public:
  /// What becomes of times at which nobody was there to tick.
  enum class CatchUp {
    once,  ///< one tick for all of them
    skip,  ///< none
  };
  struct Due {
    io::WallTime at;
    std::uint64_t missed = 0;  ///< earlier times since the last tick that got none; counted up to missed_max
  };
  static constexpr std::uint64_t missed_max = 1000;

  /// From a step's config. Error::invalid names the field.
  static Result<Schedule> read(const boost::json::object& config);

  /// How much later than its time a tick may come, so that not all triggers come at once.
  std::chrono::milliseconds jitter() const { return jitter_; }
  CatchUp catch_up() const { return catch_up_; }
  bool is_interval() const { return !cron_; }
  /// The first time due after `last`, the time for which the last tick was.
  io::WallTime next(io::WallTime last) const;
  /// The last time due after `last` and not after `now`.
  std::optional<Due> latest(io::WallTime last, io::WallTime now) const;
  /// For people and for telling whether it has changed: "every 1.5s", "cron 0 7 * * * in Europe/Berlin".
  const std::string& text() const { return text_; }

 private:
  Schedule() = default;

  std::chrono::milliseconds every_{0};
  std::optional<Cron> cron_;
  TimeZone zone_ = TimeZone::utc();
  CatchUp catch_up_ = CatchUp::once;
  std::chrono::milliseconds jitter_{0};
  std::string text_;
};

}  // namespace millrace::component
