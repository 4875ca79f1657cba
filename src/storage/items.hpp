#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.hpp"
#include "storage/checksum.hpp"
#include "storage/format.hpp"

namespace millrace::storage {

/// The items of a record, as they stand in docs/storage-format.md. Views point into the bytes that were decoded.

/// One queue that a message lies in.
struct Target {
  std::uint32_t queue = 0;
  std::uint16_t lost_count = 0;
  std::uint8_t flags = 0;
  std::uint8_t priority = 0;     ///< in a queue with priorities
  std::uint64_t expires_at = 0;  ///< ms since the Unix epoch; 0: never
};
inline constexpr std::uint8_t target_counted = 1;  ///< the queue's published_total counts it (not when moved)

struct MessageItem {
  std::uint64_t number = 0;  ///< order of all messages; never used twice
  std::string_view exchange;
  std::string_view routing_key;
  std::string_view properties;
  std::string_view body;
  std::optional<Digest> id;            ///< digest of message-id where a dedup window took it
  std::optional<Position> moved_from;  ///< where these targets' message stood until this record
  std::vector<Target> targets;
};
/// A message in one queue: by its number, and by where it stands at this point of the log.
struct Place {
  std::uint32_t queue = 0;
  std::uint8_t priority = 0;
  std::uint64_t number = 0;
  Position at;
  std::uint32_t size = 0;  ///< bytes of its properties and body
};
struct SettledItem {
  Left how = Left::acknowledged;
  Place place;
};
struct LostItem {
  Place place;                   ///< its size is not told
  std::uint32_t lost_count = 0;  ///< the new count
};
/// An id that a dedup window took in earlier, restated because its segment goes.
struct TakenItem {
  std::uint32_t queue = 0;
  std::uint64_t at = 0;  ///< ms since the Unix epoch
  Digest id;
};
struct ExchangeDeclaredItem {
  std::string_view name;
  std::string_view type;
  std::uint8_t flags = 0;      ///< 1 auto-delete, 2 internal
  std::string_view arguments;  ///< an AMQP field table as on the wire
};
struct ExchangeDeletedItem {
  std::string_view name;
};
struct QueueDeclaredItem {
  std::uint32_t queue = 0;
  std::uint8_t flags = 0;  ///< 1 auto-delete
  std::string_view name;
  std::string_view arguments;
};
struct QueueDeletedItem {
  std::uint32_t queue = 0;
};
struct BindingItem {
  bool bound = true;
  std::string_view queue;  ///< destination; an exchange's name if `to_exchange`
  std::string_view exchange;
  std::string_view key;
  std::string_view arguments;
  bool to_exchange = false;
};
/// Every message left the queue, except those listed: they were out with consumers, or not yet on stable storage.
struct PurgedItem {
  std::uint32_t queue = 0;
  std::vector<Place> except;
};
struct CountersItem {
  std::uint32_t queue = 0;
  std::uint64_t published = 0;
  std::uint64_t settled = 0;
};
struct NextIdsItem {
  std::uint64_t message = 1;
  std::uint32_t queue = 1;
};

/// What of a queue still lies in one earlier segment; of a checkpoint.
struct PartItem {
  std::uint32_t queue = 0;
  std::uint8_t priority = 0;
  std::uint32_t segment = 0;
  std::uint32_t count = 0;          ///< of messages
  std::uint64_t bytes = 0;          ///< their properties and bodies
  std::uint64_t number_min = 0;     ///< no message of the part has a smaller number
  std::uint64_t number_max = 0;     ///< or a larger one
  std::uint64_t expires_first = 0;  ///< none expires earlier; 0: none expires
  std::string_view runs;            ///< LiveRuns::encode
};

using Item =
    std::variant<MessageItem, SettledItem, LostItem, TakenItem, ExchangeDeclaredItem, ExchangeDeletedItem,
                 QueueDeclaredItem, QueueDeletedItem, BindingItem, PurgedItem, CountersItem, NextIdsItem, PartItem>;

/// Appends to `out`, whose size is a multiple of 8 before and after.
void encode(std::string& out, const MessageItem& item);
void encode(std::string& out, const SettledItem& item);
void encode(std::string& out, const LostItem& item);
void encode(std::string& out, const TakenItem& item);
void encode(std::string& out, const ExchangeDeclaredItem& item);
void encode(std::string& out, const ExchangeDeletedItem& item);
void encode(std::string& out, const QueueDeclaredItem& item);
void encode(std::string& out, const QueueDeletedItem& item);
void encode(std::string& out, const BindingItem& item);
void encode(std::string& out, const PurgedItem& item);
void encode(std::string& out, const CountersItem& item);
void encode(std::string& out, const NextIdsItem& item);
void encode(std::string& out, const PartItem& item);

/// Bytes of an item's fixed head, from which item_size() tells the whole.
inline constexpr std::size_t item_head_size = 8;
std::uint32_t item_size(std::string_view head);

/// Decodes the item at the start of `bytes`. Error::damaged if it cannot be one; a message's own checksum is verified
/// here, so that a message can be read alone.
Result<Item> decode_item(std::string_view bytes);

}  // namespace millrace::storage
