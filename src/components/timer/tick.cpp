#include "components/functions.hpp"
#include "components/timer/schedule_fields.hpp"

namespace millrace::components {
using component::Descriptor;

component::Function timer_tick() {
  Descriptor it;
  it.component = "timer";
  it.name = "tick";
  it.kind = Descriptor::Kind::timer_trigger;
  it.title = "Tick";
  it.summary =
      "Starts an execution at intervals or by cron. A ledger of ticks sees to it that none is made twice and that "
      "missed ones are caught up once or skipped.";
  it.fields = schedule_fields();
  it.check = check_schedule;
  it.emits =
      "{\"scheduled_at\": the time the tick was due, \"fired_at\": the time it was made, both ISO 8601 in UTC, "
      "\"missed\": how many earlier ones got no tick of their own}.";
  it.examples = {{"Every five minutes", R"(- id: clock
  trigger: timer.tick
  config:
    every: 5m
)"},
                 {"On workdays at half past seven in Berlin", R"(- id: morning
  trigger: timer.tick
  config:
    cron: 30 7 * * 1-5
    time_zone: Europe/Berlin
)"}};
  return {it, nullptr};
}

}  // namespace millrace::components
