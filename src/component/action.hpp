#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "component/credential.hpp"
#include "component/descriptor.hpp"
#include "component/message.hpp"
#include "component/outside.hpp"
#include "core/result.hpp"
#include "io/loop.hpp"
#include "tracing/span.hpp"

namespace millrace::component {

/// One message out of a step. Parts are JSON text.
struct Emission {
  std::string body;
  std::string headers = {};
  std::string attachments = {};
  /// Empty: to all steps after this one. Otherwise a routing key of the flow's exchange (a webhook caller's reply key).
  std::string routing_key = {};
  /// What makes its id with the step's name, instead of (input id, index): a polled item's own identity. Empty: the
  /// usual.
  std::string identity = {};
};

/// What went wrong with one message, for the operator.
struct Failure {
  std::string code;          ///< short and stable: "http.status", "smtp.refused", "jsonata.T2001"
  std::string message;       ///< a sentence with place and mend
  std::string details = {};  ///< JSON text, e.g. the response that was kept; may be empty
};

/// What handling one message came to.
struct Outcome {
  enum class Kind {
    ok,       ///< emissions, snapshot and acknowledgement take effect together; so with the other kinds
    rebound,  ///< the target cannot take it now: try again later by the step's retry schedule
    failed,   ///< it can never succeed as it is: to the dead letters, with the failure
  };
  Kind kind = Kind::ok;
  std::vector<Emission> emissions = {};
  std::optional<std::string> snapshot = {};  ///< JSON text, replaces the step's snapshot; polling triggers only
  bool more = false;                         ///< commit this, then call process again with the same message
  bool late = false;      ///< emissions of a message that was finished before; `finish` may be called again with it
  bool filtered = false;  ///< ok, and on purpose nothing came out
  Failure failure = {};   ///< for rebound and failed
  /// The target's own word on when; at least the schedule's delay.
  std::optional<std::chrono::milliseconds> retry_after = {};

  static Outcome done(std::vector<Emission> emissions) { return {Kind::ok, std::move(emissions)}; }
  static Outcome later(Failure why, std::optional<std::chrono::milliseconds> retry_after = {});
  static Outcome dead(Failure why);
};

/// What a step may use besides its message.
struct Services {
  io::Loop& loop;
  Outside& outside;
  std::string flow;
  std::string step;
  bool has_successors = true;  ///< false: no step reads what goes on from here, so nothing may fail for its sake
  bool is_watched = false;     ///< someone looks at it all the same: it is made where it can be
  std::optional<std::uint64_t> seed = {};  ///< for what is random in mappings; none: it is
  CredentialSource* credential = nullptr;  ///< of the credential that the step names; nullptr: it names none
  tracing::SpanSink* spans = nullptr;      ///< for what the step asks of others; nullptr: no traces are recorded
};

/// One message to handle.
struct Work {
  Message message;
  std::string message_id;  ///< stable over redelivery and retries: the idempotency key for targets
  std::string execution_id;
  std::string reply_to;         ///< routing key of a waiting webhook caller, or empty
  std::uint32_t attempt = 1;    ///< 1 on the first try
  std::string snapshot;         ///< JSON text of the step's snapshot, polling triggers only; "{}" at first
  tracing::Context trace = {};  ///< what is asked of others for this message goes below it
};

using Finish = std::function<void(Outcome)>;

/// A step's behaviour. One object serves all messages of one worker, on the worker's loop; it never blocks: what waits
/// (HTTP, SMTP) goes on in the background and calls `finish` later, exactly once, also on failure.
class Action {
 public:
  virtual ~Action() = default;
  /// How many messages may be in work at once where the step does not say. 1 keeps their order.
  virtual std::size_t concurrency() const { return 1; }
  /// True if `process` always calls `finish` before it returns: then many messages are taken at once.
  virtual bool immediate() const { return false; }
  virtual void process(Work work, Finish finish) = 0;
};

/// A credential that is being tried; ends with it.
class Verification {
 public:
  virtual ~Verification() = default;
};

/// A descriptor and the way to make its behaviour from a step's validated `config`. `make` is null for webhook and
/// timer triggers, which the platform itself runs, and for functions of installed programs (Descriptor::program).
struct Function {
  Descriptor descriptor;
  std::function<Result<std::unique_ptr<Action>>(const boost::json::object& config, Services& services)> make;
  /// Tries the step's credential (Services::credential) on its service, without doing what the step is for. `config` is
  /// a step's. `done` is called once, on the loop, not from inside: Done, or an Error that says why the service does
  /// not take it. Null: the component cannot.
  std::function<Result<std::unique_ptr<Verification>>(const boost::json::object& config, Services& services,
                                                      std::function<void(Status)> done)>
      verify = {};
};

struct StepSettings;

/// Makes the action that hands a step's messages to the program of its settings, which it starts.
using Host = std::function<Result<std::unique_ptr<Action>>(const StepSettings& settings, Services& services)>;

/// All functions there are: those of this binary (components::make_catalogue) and, where there is a data folder, those
/// of its installed components, which may come and go while a platform runs, on its loop. The host is what runs
/// installed programs; null where none are run.
class Catalogue {
 public:
  explicit Catalogue(std::vector<Function> functions, Host host = {});
  const Host& host() const { return host_; }
  /// Valid until the next replace().
  const Function* find(std::string_view full_name) const;
  const std::vector<Function>& all() const { return functions_; }
  /// These are the functions of that component from now on; none takes it out. For installed components.
  void replace(std::string_view component, std::vector<Function> functions);

 private:
  std::vector<Function> functions_;
  Host host_;
};

}  // namespace millrace::component
