#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "broker/broker.hpp"

namespace millrace::broker {

class Consumer;

/// A message out on a channel that its client has not settled.
struct Unsettled {
  std::uint64_t tag = 0;  ///< the channel's number for it (basic.deliver, basic.get-ok)
  DeliveryId delivery;
  std::shared_ptr<Consumer> consumer;  ///< nobody if it was fetched by basic.get
  bool out = true;                     ///< false marks the hole that a taken one leaves in the ledger
};

/// The delivery tags of one channel (AMQP 0-9-1 §1.8.3.12): 1, 2, 3 … in order of delivery. Taking one out costs the
/// same wherever it stands; memory follows what is unsettled, not what was delivered.
class DeliveryLedger {
 public:
  /// Gives the tag of the next delivery without an entry: nobody will settle it.
  std::uint64_t skip() { return ++last_tag_; }
  std::uint64_t add(DeliveryId delivery, std::shared_ptr<Consumer> consumer);
  /// Puts taken entries back where they stood (tx.rollback).
  void restore(std::vector<Unsettled> entries);

  /// The entry of that tag, or nothing if it is not outstanding.
  std::optional<Unsettled> take(std::uint64_t tag);
  /// All up to and with that tag, oldest first; tag 0 means all. Nothing if the tag itself is not outstanding.
  std::optional<std::vector<Unsettled>> take_through(std::uint64_t tag);

  std::size_t size() const { return live_; }

 private:
  std::deque<Unsettled>::iterator position(std::uint64_t tag);
  void tidy();

  std::deque<Unsettled> entries_;  // by tag; a taken one leaves a hole until tidied
  std::size_t live_ = 0;
  std::uint64_t last_tag_ = 0;
};

}  // namespace millrace::broker
