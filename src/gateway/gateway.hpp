#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/broker.hpp"
#include "core/id.hpp"
#include "gateway/replies.hpp"
#include "gateway/route.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::gateway {

/// Webhooks in: requests become messages of their flow, and 202 is said only when they are on disk, synced.
///
/// Answers: 202 {"execution": id}; with an http.reply in the flow, the flow's own response, or 504 with the execution
/// id after reply_timeout while the flow goes on; 400 for a malformed body, 401 for missing or wrong secrets, 404, 405,
/// 408, 413, 415 for a charset or coding that is not read, 429 when the flow's first queues are full, 503 when the
/// message cannot be stored. Errors are problem details (RFC 9457). A request that repeats a webhook-id or
/// Idempotency-Key gets the same execution id; its message is dropped by the dedup window of the queues, so it is
/// accepted once. Where the flow replies, a repeat gets the same response while the first is still waited for, and 202
/// after that. Thread: the loop's. Lifetime: the broker and the loop outlive it.
class Gateway final : public io::posix::HttpHandler {
 public:
  struct Limits {
    std::uint64_t backlog_max = 10'000'000;  ///< ready messages on a flow's first queues before callers get 429
  };

  /// `new_id` makes the execution ids of requests without an idempotency key.
  Gateway(io::Loop& loop, broker::Broker& broker, const std::vector<flow::Flow>& flows, Limits limits,
          std::function<std::string()> new_id = random_id);
  ~Gateway() override;

  const std::vector<Route>& routes() const { return routes_; }
  /// Messages taken in and durable, since the start; repeats of an idempotency key are none.
  std::uint64_t accepted_total() const { return accepted_total_; }

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  struct Execution {
    std::string id;
    bool keyed = false;  ///< derived from the caller's idempotency key
  };

  std::vector<const Route*> at(std::string_view path) const;
  Execution execution_of(const Route& route, const io::posix::HttpRequest& request) const;
  broker::MessagePtr make_message(const Route& route, const Execution& execution, std::string envelope) const;
  void accept(const Route& route, const Execution& execution, broker::MessagePtr message, io::posix::Respond respond);
  bool backlogged(const Route& route);

  io::Loop& loop_;
  broker::Broker& broker_;
  Limits limits_;
  std::function<std::string()> new_id_;
  std::vector<Route> routes_;
  std::map<std::string, std::vector<std::string>> first_queues_;  ///< by flow
  broker::SessionId session_;
  Replies replies_;
  std::uint64_t accepted_total_ = 0;
};

}  // namespace millrace::gateway
