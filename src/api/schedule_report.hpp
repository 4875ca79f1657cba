#pragma once

#include <boost/json/object.hpp>

#include "scheduler/scheduler.hpp"

namespace millrace::api {

/// {"text", "next_at", "last_at", "state", "failing"}: state is "waiting", "looking" (a polling trigger's look is under
/// way) or "failing"; failing is null, or says why, since when, after how many attempts, and when it is tried again.
boost::json::object schedule_report(const scheduler::Scheduler::Upcoming& upcoming);

}  // namespace millrace::api
