#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/message.hpp"
#include "core/result.hpp"
#include "store/store.hpp"

namespace millrace::rabbitmq {

/// What queues that keep one message keep (snapshots, the scheduler's ledger, a replay's progress), in the store, as
/// RabbitMQ lets nobody look at a message without taking it. A value may bring messages that are to be published with
/// it: a transactional outbox. Thread: the loop's; all answers come later. Lifetime: the store outlives it.
class LastValues {
 public:
  struct Found {
    broker::MessagePtr value;                 ///< nullptr: the queue has had none
    std::vector<broker::MessagePtr> pending;  ///< may not be published yet
    std::int64_t revision = 0;
  };

  /// A turn of a lease (store::Members).
  struct Fence {
    std::string lease;
    std::int64_t epoch = 0;
  };

  explicit LastValues(store::Store& store) : store_(store) {}

  void find(const std::string& queue, std::function<void(Result<Found>)> found) const;
  /// `kept` is told the revision once it is on disk, and with it that `pending` has to be published. With a `fence`
  /// only while the lease is in that turn: Error::conflict.
  void put(const std::string& queue, const broker::MessagePtr& value, const std::vector<broker::MessagePtr>& pending,
           const std::optional<Fence>& fence, std::function<void(Result<std::int64_t>)> kept);
  /// What was pending with this revision is published.
  void published(const std::string& queue, std::int64_t revision);
  void remove(const std::string& queue, std::function<void(Status)> removed);

 private:
  store::Store& store_;
};

}  // namespace millrace::rabbitmq
