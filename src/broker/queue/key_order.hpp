#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "broker/broker.hpp"

namespace millrace::broker {

/// Which keys of an ordered queue are at work, and what waits behind them. Data only; Broker::Core decides
/// (core_order).
///
/// A message that may not go out yet is set aside: it is out with nobody (Deliveries, session 0), so that to the log it
/// lies in its queue as before. Of each key only the first one that was set aside returns to the backlog, to its old
/// place, when its key is free. A key that has nothing at work and nothing set aside is not here.
struct KeyOrder {
  struct Key {
    /// With a consumer; or settled in a commit that is not durable yet: before that the next one does not go out, as
    /// after a loss of power this one would come again behind it. 0: none.
    DeliveryId out;
    std::uint64_t waits_until = 0;  ///< ms since the Unix epoch, for its first one's time; 0: it does not
    std::map<std::uint64_t, DeliveryId> aside = {};  ///< by number
  };
  std::unordered_map<std::string, Key> keys;
  std::unordered_map<std::uint64_t, std::string> key_of_delivery;  ///< of those with consumers
  std::unordered_map<std::uint64_t, std::string> key_of_returned;  ///< by number: back in the backlog, first of its key
  std::size_t aside = 0;                                           ///< messages, of all keys
  std::size_t delayed = 0;                                         ///< keys that wait for their first one's time
  std::uint64_t put_back_total = 0;                                ///< messages that took their own place again

  /// A queue looks no further ahead for other keys than this many messages that must wait, about 150 bytes each.
  static constexpr std::size_t aside_max = 100'000;
  /// So many in one turn of the loop.
  static constexpr std::size_t aside_at_once_max = 500;
};

}  // namespace millrace::broker
