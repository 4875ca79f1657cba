#pragma once

#include <boost/json/object.hpp>

#include "history/execution.hpp"
#include "history/recorder.hpp"

namespace millrace::api {

/// What the recorder has done since the start, and what is on disk.
boost::json::object history_report(const history::Recorder& recorder);

/// An execution in short: what GET /v1/executions lists. `state` may know better than the records alone.
boost::json::object summary_json(const history::Summary& summary, history::State state);

/// Each message that was recorded, in the order of time, with the message it was made from, and what the steps that got
/// it have done with it, try by try.
boost::json::array messages_json(const history::Execution& execution);

}  // namespace millrace::api
