#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/queues.hpp"
#include "core/id.hpp"
#include "gateway/replies.hpp"
#include "gateway/route.hpp"
#include "history/recorder.hpp"
#include "io/posix/http_server.hpp"
#include "tracing/tracer.hpp"

namespace millrace::gateway {

/// Webhooks in: requests become messages of their flow, and 202 is said only when they are on disk, synced.
///
/// Answers: 202 {"execution": id}; with an http.reply in the flow, the flow's own response, or 504 with the execution
/// id after reply_timeout while the flow goes on; 400 for a malformed body, 401 for missing or wrong secrets, 404, 405,
/// 408, 413, 415 for a charset or coding that is not read, 429 when the flow's first queues are full, 503 when the flow
/// is stopped or the message cannot be stored. Errors are problem details (RFC 9457). A request that repeats a
/// webhook-id or Idempotency-Key gets the same execution id; its message is dropped by the dedup window of the queues,
/// so it is accepted once. Where the flow replies, a repeat gets the same response while the first is still waited for,
/// and 202 after that. Thread: the loop's. Lifetime: the broker and the loop outlive it.
class Gateway final : public io::posix::HttpHandler {
 public:
  struct Limits {
    std::uint64_t backlog_max = 10'000'000;  ///< ready messages on a flow's first queues before callers get 429
  };

  /// The login of a credential, as it is now; nullopt if there is none.
  using Logins = std::function<std::optional<component::Login>(const std::string& credential)>;

  /// `new_id` makes the execution ids of requests without an idempotency key.
  Gateway(io::Loop& loop, broker::Queues& broker, Limits limits, Logins logins,
          std::function<std::string()> new_id = random_id);
  ~Gateway() override;

  /// From now on the flow's calls go to this version of it; its exchange and queues are declared. Not `open`: callers
  /// are told to come again, and another flow may have the address. Error::conflict if another flow has it: then this
  /// one has none.
  Status serve(Route route, bool open);
  /// The flow has no address any more.
  void withdraw(const std::string& flow);
  /// What the route's callers must show now; nullopt if its credential is not there.
  std::optional<Guard> guard(const Route& route) const;
  /// The flow's route, or nullptr; valid until the next serve or withdraw.
  const Route* route(const std::string& flow) const;
  /// Messages taken in and durable, since the start; repeats of an idempotency key are none.
  std::uint64_t accepted_total() const { return accepted_total_; }

  /// Calls are spans of this tracer from now on, which outlives it; without one, a call's own trace goes on unrecorded.
  void trace_with(const tracing::Tracer& tracer) { tracer_ = &tracer; }
  /// `began` is told of each message that was taken in, once it is durable.
  void watch(history::Began began) { began_ = std::move(began); }

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  struct Execution {
    std::string id;
    bool keyed = false;  ///< derived from the caller's idempotency key
  };

  struct Served {
    Route route;
    bool open = true;
  };

  std::vector<const Served*> at(std::string_view path) const;
  Execution execution_of(const Route& route, const io::posix::HttpRequest& request) const;
  broker::MessagePtr make_message(const Route& route, const Execution& execution, const tracing::Context& trace,
                                  std::string envelope) const;
  void accept(const Route& route, const Execution& execution, broker::MessagePtr message, io::posix::Respond respond);
  bool backlogged(const Route& route) const;

  io::Loop& loop_;
  broker::Queues& broker_;
  Limits limits_;
  Logins logins_;
  std::function<std::string()> new_id_;
  std::map<std::string, Served> served_;                             ///< by flow
  std::unordered_map<std::string, std::vector<Served*>> addresses_;  ///< by path
  broker::SessionId session_;
  Replies replies_;
  std::uint64_t accepted_total_ = 0;
  history::Began began_;
  const tracing::Tracer* tracer_ = nullptr;
};

}  // namespace millrace::gateway
