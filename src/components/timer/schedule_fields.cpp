#include "components/timer/schedule_fields.hpp"

#include "component/schedule.hpp"

namespace millrace::components {
using component::Field;

std::vector<Field> schedule_fields() {
  return {
      {.name = "every",
       .type = Field::Type::duration,
       .summary = "Interval between ticks, e.g. 5m; either this or cron.",
       .minimum = 0.1},
      {.name = "cron",
       .summary = "Cron expression of 5 fields (minute, hour, day of month, month, weekday) or 6 (with seconds first); "
                  "either this or every."},
      {.name = "time_zone",
       .summary = "IANA time zone in which cron is meant, e.g. Europe/Berlin.",
       .default_json = R"("UTC")"},
      {.name = "catch_up",
       .type = Field::Type::choice,
       .summary = "After a pause of the platform: one tick for all that were missed (once), or none (skip).",
       .default_json = R"("once")",
       .choices = {"once", "skip"}},
      {.name = "jitter",
       .type = Field::Type::duration,
       .summary =
           "A tick comes later than its time by up to this, another while for each trigger and time, so that not "
           "all come at once."}};
}

Status check_schedule(const boost::json::object& config) {
  const auto schedule = component::Schedule::read(config);
  if (!schedule) return schedule.error();
  return Done{};
}

}  // namespace millrace::components
