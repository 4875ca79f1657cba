#include "component/schedule.hpp"

#include <string_view>

#include <fmt/format.h>

#include "component/config.hpp"

namespace millrace::component {
namespace {
using namespace std::chrono;

std::string text_of(const boost::json::object& config, std::string_view field, std::string_view otherwise) {
  const auto* value = config.if_contains(field);
  return std::string(value != nullptr && value->is_string() ? std::string_view(value->get_string()) : otherwise);
}

}  // namespace

Result<Schedule> Schedule::read(const boost::json::object& config) {
  if (config.contains("every") == config.contains("cron")) {
    return Error{Error::Kind::invalid, "exactly one of every and cron must be given"};
  }
  Schedule schedule;
  schedule.catch_up_ = text_of(config, "catch_up", "once") == "skip" ? CatchUp::skip : CatchUp::once;
  if (const auto* field = config.if_contains("jitter")) {
    const auto jitter = parse_duration(*field);
    if (!jitter) return jitter.error().in("jitter");
    schedule.jitter_ = *jitter;
  }
  const auto zone_name = text_of(config, "time_zone", "UTC");
  auto zone = TimeZone::load(zone_name);
  if (!zone) return zone.error().in("time_zone");
  schedule.zone_ = *zone;
  if (const auto* every = config.if_contains("every")) {
    const auto interval = parse_duration(*every);
    if (!interval) return interval.error().in("every");
    if (interval->count() <= 0) return Error{Error::Kind::invalid, "every: must be more than 0"};
    schedule.every_ = *interval;
    if (schedule.jitter_ >= schedule.every_) {
      return Error{Error::Kind::invalid, "jitter: must be less than every"};
    }
    schedule.text_ = fmt::format("every {}s", static_cast<double>(schedule.every_.count()) / 1000);
    return schedule;
  }
  const auto expression = text_of(config, "cron", "");
  auto cron = Cron::parse(expression);
  if (!cron) return cron.error();
  schedule.cron_ = *cron;
  schedule.text_ = fmt::format("cron {} in {}", expression, zone_name);
  return schedule;
}

io::WallTime Schedule::next(io::WallTime last) const {
  return cron_ ? cron_->next(floor<seconds>(last), zone_) : last + every_;
}

std::optional<Schedule::Due> Schedule::latest(io::WallTime last, io::WallTime now) const {
  if (next(last) > now) return std::nullopt;
  if (!cron_) {
    const auto intervals = static_cast<std::uint64_t>((now - last) / every_);
    return Due{last + every_ * static_cast<std::int64_t>(intervals), std::min(intervals - 1, missed_max)};
  }
  Due due{next(last), 0};
  for (auto at = next(due.at); at <= now && due.missed < missed_max; at = next(at)) due = {at, due.missed + 1};
  // Of very many the last is found by halving: next() of a later time is never earlier.
  auto low = floor<seconds>(due.at);
  auto high = floor<seconds>(now);
  while (high - low > seconds(1)) {
    const auto middle = low + (high - low) / 2;
    (next(middle) <= now ? low : high) = middle;
  }
  if (const auto at = next(low); at <= now) due.at = at;
  return due;
}

}  // namespace millrace::component
