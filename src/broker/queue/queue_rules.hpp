#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "broker/broker.hpp"

namespace millrace::broker {

/// What the x-… arguments of a queue mean; defaults: none of it.
struct QueueRules {
  std::optional<std::uint64_t> message_ttl;  ///< ms
  std::optional<std::uint64_t> length_max;
  std::optional<std::uint64_t> length_bytes_max;
  bool reject_publish = false;
  bool dead_letter_rejected = false;             ///< reject-publish-dlx: what is rejected is dead-lettered
  std::uint8_t priority_max = 0;                 ///< x-max-priority; 0: the queue knows no priorities
  std::optional<std::uint64_t> unused_time_max;  ///< x-expires, ms
  std::optional<std::string> dead_letter_exchange;
  std::optional<std::string> dead_letter_key;
  std::optional<std::uint32_t> delivery_limit;
  bool counts_returns = false;  ///< what a consumer puts back counts towards the limit, too, not only what it lost
  bool isolate_suspects = false;
  bool single_active_consumer = false;
  bool ordered = false;
  std::uint64_t dedup_window = 0;  ///< ms
  std::size_t dedup_max = 100'000;

  /// precondition_failed names the argument that cannot be, or that a queue of its type does not have. Arguments that
  /// it does not know are the client's own business.
  static Answer<QueueRules> read(const QueueSpec& spec);
};

/// Times longer than this are refused (RabbitMQ's limit, ten years): as a number of milliseconds.
inline constexpr std::uint64_t delay_max_ms = 10ull * 365 * 24 * 60 * 60 * 1000;

}  // namespace millrace::broker
