#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "component/action.hpp"
#include "io/loop.hpp"

namespace millrace::flow_tests {
using std::chrono::milliseconds;

/// One try of a step at one message; of a polling trigger one page. A try that a crash has taken back and that comes
/// again takes its earlier place.
struct Try {
  std::string step;
  std::string message_id;
  std::uint32_t attempt = 1;
  milliseconds at{0};  ///< since the case began
  /// The message as the action got it; none for one that passed by or could not be read.
  std::optional<boost::json::object> input = {};
  struct End {
    component::Outcome::Kind kind = component::Outcome::Kind::ok;
    bool filtered = false;
    std::vector<boost::json::object> outputs = {};  ///< to the next steps
    component::Failure failure = {};
  };
  std::optional<End> end = {};  ///< none: it was still under way at the end
};

/// One request or mail that went out of a step.
struct Call {
  std::string step;
  std::string message_id;
  std::uint32_t attempt = 1;
  milliseconds at{0};
  bool mail = false;
  std::string target;  ///< "POST http://cms.test/posts", "mail over smtp://mail.test"
  std::string key;     ///< by which the target can tell a repeat: "Idempotency-Key …", "Message-ID …"; or empty
  std::string answer;  ///< "201", "refused"
  bool has_effect = false;      ///< it reached the target, and its method is not a safe one (RFC 9110 §9.2.1)
  bool repeats = false;         ///< a crash has made the step do it again
  boost::json::object request;  ///< as expectations see it
};

/// What a run came to, in virtual time.
struct Trace {
  std::vector<Try> tries = {};
  std::vector<Call> calls = {};
  std::vector<boost::json::object> answers = {};             ///< of the webhook, in the order of the requests
  std::vector<boost::json::object> dead_letters = {};        ///< that lie there at the end, oldest first
  std::map<std::string, boost::json::value> snapshots = {};  ///< by step
  std::map<std::string, std::uint64_t> handled = {};         ///< messages taken off each step's queue for good
  struct Line {
    milliseconds at{0};
    std::string text;
  };
  std::vector<Line> lines = {};    ///< for people: what happened, in order
  milliseconds elapsed{0};         ///< from the beginning to the last thing that happened
  std::uint64_t lost_answers = 0;  ///< webhook callers that a crash left without one

  /// Why the run could not go to its end: a call that no stub answers, a flow that stands still; empty: it did.
  std::string broken = {};
};

/// All that a trace tells of one step, or of the whole run, as `that` sees it.
boost::json::object as_json(const Trace& trace, const std::string& step);
boost::json::object as_json(const Trace& trace);

}  // namespace millrace::flow_tests
