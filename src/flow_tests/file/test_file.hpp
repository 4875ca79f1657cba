#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>

#include "flow/source.hpp"
#include "flow_tests/file/expected.hpp"
#include "io/loop.hpp"
#include "io/transfers.hpp"

namespace millrace::flow_tests {
using std::chrono::milliseconds;

/// One answer of a stub. Which of the fields count is the stub's kind's.
struct StubAnswer {
  std::optional<io::TransferFault::Kind> fault = {};  ///< instead of an answer
  int status = 200;                                   ///< HTTP status, or SMTP reply code
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};                              ///< HTTP: bytes; SMTP: the reply's text
  std::optional<jsonata::Expression> body_from = {};  ///< makes the body from the request
  milliseconds after{0};                              ///< of virtual time
  std::optional<std::uint32_t> times = {};            ///< so often, then the next; the last: without end
  std::optional<milliseconds> until = {};             ///< since the case began; then the next
  std::string name = {};                              ///< for people: "503", "refused"
};

/// Answers requests or mails that fit it.
struct Stub {
  enum class Kind { http, smtp };
  Kind kind = Kind::http;
  std::string method = "*";  ///< "*": any
  std::string url = "*";     ///< pattern; without a "?" it is held against the URL without its query
  std::string step = {};     ///< only this step's; empty: any
  Expected wanted = {};      ///< what else must fit
  std::vector<StubAnswer> answers = {};
  std::size_t offset = 0;
};

/// Stands in for a step's action: its output is the result of a JSONata expression over the message. For steps that run
/// in an image of their own, and where the action is of no interest.
struct StandIn {
  std::string step;
  std::string expression;
  std::size_t offset = 0;
};

/// A request to the flow's webhook.
struct GivenRequest {
  std::string method = {};  ///< empty: the first that the webhook takes
  std::string query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< names in lower case
  std::string body = {};
  bool authorized = true;  ///< the secret that the webhook asks for is added
};
/// The trigger's schedule runs for a time, or until so many of its times have come.
struct GivenTicks {
  std::optional<milliseconds> span = {};
  std::int64_t count = 1;
};
/// A message that comes to one step as if a step before had made it.
struct GivenMessage {
  std::string step;
  std::string id = {};         ///< empty: one is made
  std::string execution = {};  ///< empty: the message's id
  std::string body = "{}";     ///< this and the others: JSON text
  std::string headers = {};
  std::string attachments = {};
  std::string passthrough = {};
};

struct Given {
  std::variant<GivenRequest, GivenTicks, GivenMessage> what;
  milliseconds at{0};  ///< since the case began
  std::uint32_t times = 1;
  std::size_t offset = 0;
  std::string path = {};
};

struct ExpectedStep {
  std::string step;
  std::size_t offset = 0;
  std::string path = {};
  std::optional<ExpectedList> inputs = {};
  std::optional<ExpectedList> outputs = {};
  std::optional<ExpectedList> requests = {};
  std::optional<ExpectedList> mails = {};
  std::optional<ExpectedList> dead_letters = {};
  std::optional<ExpectedList> filtered = {};  ///< a count only
  std::optional<ExpectedList> attempts = {};  ///< a count only
  std::optional<Expected> snapshot = {};      ///< of a polling trigger
  std::optional<Condition> that = {};
};

struct ExpectedElapsed {
  milliseconds min{0};
  milliseconds max{0};
  std::size_t offset = 0;
  std::string path = {};
};

struct Expectations {
  std::optional<ExpectedList> answers = {};
  std::vector<ExpectedStep> steps = {};
  std::optional<ExpectedList> dead_letters = {};  ///< of all steps
  std::optional<ExpectedElapsed> elapsed = {};
  std::optional<Condition> that = {};
};

struct Case {
  std::string name;
  io::WallTime starts_at;
  std::vector<Stub> stubs = {};  ///< its own, then the file's
  std::vector<StandIn> stand_ins = {};
  std::vector<Given> given = {};
  Expectations expect = {};
  std::size_t offset = 0;
  std::string path = {};
};

/// A test file, `*.test.yaml`: cases of one flow.
struct TestFile {
  std::shared_ptr<const flow::Source> source;
  std::string flow = {};  ///< empty: the file does not say
  std::map<std::string, std::string, std::less<>> variables = {};
  std::vector<Case> cases = {};
};

}  // namespace millrace::flow_tests
