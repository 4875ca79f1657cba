#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/queues.hpp"
#include "io/loop.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::gateway {

/// Webhook callers that wait for their flow's http.reply. One queue a start of the platform, gone with it: `reply:<boot
/// id>` is bound on the exchange of every flow version that can reply; a reply finds its caller by the execution id in
/// header threadId. A reply that nobody waits for (timed out, or meant for an earlier start) is dropped.
class Replies final : public broker::ConsumerSink {
 public:
  Replies(io::Loop& loop, broker::Queues& broker, broker::SessionId session);

  /// Hears the replies that are published to this exchange, as long as it is there.
  void listen(const std::string& exchange);
  /// The routing key that a waiting message carries in header reply_to.
  const std::string& key() const { return key_; }
  /// `respond` is called with the reply, or with 504 after `timeout`.
  void wait(const std::string& execution, std::chrono::milliseconds timeout, io::posix::Respond respond);

  /// Another caller for an execution that is waited for: `respond` gets the same. False if nobody waits for it.
  bool join(const std::string& execution, const io::posix::Respond& respond);

  bool ready() const override { return true; }
  void deliver(broker::Delivery delivery) override;
  void cancelled(broker::ConsumerId) override {}

 private:
  struct Waiting {
    std::vector<io::posix::Respond> callers;
    io::TimerId timeout = 0;
  };

  void declare_queue();

  io::Loop& loop_;
  broker::Queues& broker_;
  broker::SessionId session_;
  std::string key_;
  bool declared_ = false;
  std::unordered_map<std::string, Waiting> waiting_;  ///< by execution id
};

}  // namespace millrace::gateway
