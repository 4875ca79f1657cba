#include "storage/items.hpp"

#include "storage/bytes.hpp"

namespace millrace::storage {

namespace {

constexpr std::size_t message_head_size = 32;
constexpr std::size_t target_size = 16;
constexpr std::size_t except_size = 24;
constexpr std::uint8_t flag_has_id = 1;
constexpr std::uint8_t flag_moved = 2;

/// Writes the head on construction and the size and padding at the end.
class ItemWriter {
 public:
  ItemWriter(std::string& out, ItemKind kind, std::uint8_t detail = 0, std::uint16_t count = 0)
      : out_(out), start_(out.size()) {
    put(out_, std::uint32_t{0});
    put(out_, static_cast<std::uint8_t>(kind));
    put(out_, detail);
    put(out_, count);
  }
  ~ItemWriter() {
    pad(out_);
    put_at(out_, start_, static_cast<std::uint32_t>(out_.size() - start_));
  }

 private:
  std::string& out_;
  std::size_t start_;
};

Error damaged(std::string_view what) {
  return Error{Error::Kind::damaged, std::string(what)};
}

/// Of all but the four bytes in which it stands.
std::uint32_t message_checksum(std::string_view item) {
  return static_cast<std::uint32_t>(checksum(item.substr(12), checksum(item.substr(0, 8), 0)));
}

Result<Item> decode_message(std::string_view bytes) {
  if (bytes.size() < message_head_size) return damaged("a message item is too short");
  const auto expected = get_at<std::uint32_t>(bytes, 8);
  if (message_checksum(bytes) != expected) {
    return damaged("a message does not match its checksum");
  }
  MessageItem item;
  const auto exchange_size = get_at<std::uint8_t>(bytes, 5);
  const auto target_count = get_at<std::uint16_t>(bytes, 6);
  const auto properties_size = get_at<std::uint32_t>(bytes, 12);
  item.number = get_at<std::uint64_t>(bytes, 16);
  const auto body_size = get_at<std::uint32_t>(bytes, 24);
  const auto key_size = get_at<std::uint8_t>(bytes, 28);
  const auto flags = get_at<std::uint8_t>(bytes, 29);
  ByteReader in(bytes.substr(message_head_size));
  if (flags & flag_has_id) {
    item.id.emplace();
    item.id->low = in.number<std::uint64_t>();
    item.id->high = in.number<std::uint64_t>();
  }
  if (flags & flag_moved) {
    item.moved_from.emplace();
    item.moved_from->segment = in.number<std::uint32_t>();
    item.moved_from->offset = in.number<std::uint32_t>();
  }
  if (in.rest().size() < target_size * target_count) return damaged("a message item is too short");
  item.targets.resize(target_count);
  for (Target& target : item.targets) {
    target.queue = in.number<std::uint32_t>();
    target.lost_count = in.number<std::uint16_t>();
    target.flags = in.number<std::uint8_t>();
    target.priority = in.number<std::uint8_t>();
    target.expires_at = in.number<std::uint64_t>();
  }
  item.exchange = in.bytes(exchange_size);
  item.routing_key = in.bytes(key_size);
  item.properties = in.bytes(properties_size);
  item.body = in.bytes(body_size);
  if (!in.ok()) return damaged("a message item is too short");
  return Item(std::move(item));
}

/// The fields of a Place and a last one.
Place read_place(ByteReader& in, std::uint16_t priority, std::uint32_t& last) {
  Place place;
  place.priority = static_cast<std::uint8_t>(priority);
  place.number = in.number<std::uint64_t>();
  place.queue = in.number<std::uint32_t>();
  place.at.segment = in.number<std::uint32_t>();
  place.at.offset = in.number<std::uint32_t>();
  last = in.number<std::uint32_t>();
  return place;
}

void put_place(std::string& out, const Place& place, std::uint32_t last) {
  put(out, place.number);
  put(out, place.queue);
  put(out, place.at.segment);
  put(out, place.at.offset);
  put(out, last);
}

Result<Item> decode_small(ItemKind kind, std::uint8_t detail, std::uint16_t count, ByteReader in) {
  std::optional<Item> item;
  switch (kind) {
    case ItemKind::settled: {
      SettledItem out;
      out.how = static_cast<Left>(detail);
      std::uint32_t size = 0;
      out.place = read_place(in, count, size);
      out.place.size = size;
      item = out;
      break;
    }
    case ItemKind::lost: {
      LostItem out;
      out.place = read_place(in, count, out.lost_count);
      item = out;
      break;
    }
    case ItemKind::taken: {
      TakenItem out;
      out.at = in.number<std::uint64_t>();
      out.id.low = in.number<std::uint64_t>();
      out.id.high = in.number<std::uint64_t>();
      out.queue = in.number<std::uint32_t>();
      item = out;
      break;
    }
    case ItemKind::exchange_declared: {
      ExchangeDeclaredItem out;
      out.flags = detail;
      out.name = in.text();
      out.type = in.text();
      out.arguments = in.text();
      item = out;
      break;
    }
    case ItemKind::exchange_deleted:
      item = ExchangeDeletedItem{in.text()};
      break;
    case ItemKind::queue_declared: {
      QueueDeclaredItem out;
      out.flags = detail;
      out.queue = in.number<std::uint32_t>();
      out.name = in.text();
      out.arguments = in.text();
      item = out;
      break;
    }
    case ItemKind::queue_deleted:
      item = QueueDeletedItem{in.number<std::uint32_t>()};
      break;
    case ItemKind::bound:
    case ItemKind::unbound: {
      BindingItem out;
      out.bound = kind == ItemKind::bound;
      out.to_exchange = detail != 0;
      out.queue = in.text();
      out.exchange = in.text();
      out.key = in.text();
      out.arguments = in.text();
      item = out;
      break;
    }
    case ItemKind::purged: {
      PurgedItem out;
      out.queue = in.number<std::uint32_t>();
      const auto excepted = in.number<std::uint32_t>();
      if (in.rest().size() < excepted * except_size) return damaged("a purge item is too short");
      for (std::uint32_t i = 0; i < excepted; ++i) {
        Place place{out.queue, 0, in.number<std::uint64_t>(), {}, 0};
        place.at.segment = in.number<std::uint32_t>();
        place.at.offset = in.number<std::uint32_t>();
        place.size = in.number<std::uint32_t>();
        place.priority = static_cast<std::uint8_t>(in.number<std::uint32_t>());
        out.except.push_back(place);
      }
      item = std::move(out);
      break;
    }
    case ItemKind::counters: {
      CountersItem out;
      out.published = in.number<std::uint64_t>();
      out.settled = in.number<std::uint64_t>();
      out.queue = in.number<std::uint32_t>();
      item = out;
      break;
    }
    case ItemKind::next_ids: {
      NextIdsItem out;
      out.message = in.number<std::uint64_t>();
      out.queue = in.number<std::uint32_t>();
      item = out;
      break;
    }
    case ItemKind::part: {
      PartItem out;
      out.priority = detail;
      out.queue = in.number<std::uint32_t>();
      out.segment = in.number<std::uint32_t>();
      out.bytes = in.number<std::uint64_t>();
      out.number_min = in.number<std::uint64_t>();
      out.number_max = in.number<std::uint64_t>();
      out.expires_first = in.number<std::uint64_t>();
      out.count = in.number<std::uint32_t>();
      out.runs = in.text();
      item = out;
      break;
    }
    case ItemKind::message:
      break;
  }
  if (!item) return damaged("an item is of an unknown kind");
  if (!in.ok()) return damaged("an item is too short");
  return std::move(*item);
}

}  // namespace

void encode(std::string& out, const MessageItem& item) {
  const std::size_t start = out.size();
  {
    ItemWriter writer(out, ItemKind::message, static_cast<std::uint8_t>(item.exchange.size()),
                      static_cast<std::uint16_t>(item.targets.size()));
    put(out, std::uint32_t{0});
    put(out, static_cast<std::uint32_t>(item.properties.size()));
    put(out, item.number);
    put(out, static_cast<std::uint32_t>(item.body.size()));
    put(out, static_cast<std::uint8_t>(item.routing_key.size()));
    put(out, static_cast<std::uint8_t>((item.id ? flag_has_id : 0) | (item.moved_from ? flag_moved : 0)));
    put(out, std::uint16_t{0});
    if (item.id) {
      put(out, item.id->low);
      put(out, item.id->high);
    }
    if (item.moved_from) {
      put(out, item.moved_from->segment);
      put(out, item.moved_from->offset);
    }
    for (const Target& target : item.targets) {
      put(out, target.queue);
      put(out, target.lost_count);
      put(out, target.flags);
      put(out, target.priority);
      put(out, target.expires_at);
    }
    out += item.exchange;
    out += item.routing_key;
    out += item.properties;
    out += item.body;
  }
  put_at(out, start + 8, message_checksum(std::string_view(out).substr(start)));
}

void encode(std::string& out, const SettledItem& item) {
  ItemWriter writer(out, ItemKind::settled, static_cast<std::uint8_t>(item.how), item.place.priority);
  put_place(out, item.place, item.place.size);
}

void encode(std::string& out, const LostItem& item) {
  ItemWriter writer(out, ItemKind::lost, 0, item.place.priority);
  put_place(out, item.place, item.lost_count);
}

void encode(std::string& out, const TakenItem& item) {
  ItemWriter writer(out, ItemKind::taken);
  put(out, item.at);
  put(out, item.id.low);
  put(out, item.id.high);
  put(out, item.queue);
}

void encode(std::string& out, const ExchangeDeclaredItem& item) {
  ItemWriter writer(out, ItemKind::exchange_declared, item.flags);
  put_text(out, item.name);
  put_text(out, item.type);
  put_text(out, item.arguments);
}

void encode(std::string& out, const ExchangeDeletedItem& item) {
  ItemWriter writer(out, ItemKind::exchange_deleted);
  put_text(out, item.name);
}

void encode(std::string& out, const QueueDeclaredItem& item) {
  ItemWriter writer(out, ItemKind::queue_declared, item.flags);
  put(out, item.queue);
  put_text(out, item.name);
  put_text(out, item.arguments);
}

void encode(std::string& out, const QueueDeletedItem& item) {
  ItemWriter writer(out, ItemKind::queue_deleted);
  put(out, item.queue);
}

void encode(std::string& out, const BindingItem& item) {
  ItemWriter writer(out, item.bound ? ItemKind::bound : ItemKind::unbound, item.to_exchange ? 1 : 0);
  put_text(out, item.queue);
  put_text(out, item.exchange);
  put_text(out, item.key);
  put_text(out, item.arguments);
}

void encode(std::string& out, const PurgedItem& item) {
  ItemWriter writer(out, ItemKind::purged);
  put(out, item.queue);
  put(out, static_cast<std::uint32_t>(item.except.size()));
  for (const Place& place : item.except) {
    put(out, place.number);
    put(out, place.at.segment);
    put(out, place.at.offset);
    put(out, place.size);
    put(out, std::uint32_t{place.priority});
  }
}

void encode(std::string& out, const CountersItem& item) {
  ItemWriter writer(out, ItemKind::counters);
  put(out, item.published);
  put(out, item.settled);
  put(out, item.queue);
}

void encode(std::string& out, const NextIdsItem& item) {
  ItemWriter writer(out, ItemKind::next_ids);
  put(out, item.message);
  put(out, item.queue);
}

void encode(std::string& out, const PartItem& item) {
  ItemWriter writer(out, ItemKind::part, item.priority);
  put(out, item.queue);
  put(out, item.segment);
  put(out, item.bytes);
  put(out, item.number_min);
  put(out, item.number_max);
  put(out, item.expires_first);
  put(out, item.count);
  put_text(out, item.runs);
}

std::uint32_t item_size(std::string_view head) {
  return get_at<std::uint32_t>(head, 0);
}

Result<Item> decode_item(std::string_view bytes) {
  if (bytes.size() < item_head_size) return damaged("an item is too short");
  const std::uint32_t size = item_size(bytes);
  if (size < item_head_size || size > bytes.size() || size % alignment) return damaged("an item's size cannot be");
  bytes = bytes.substr(0, size);
  const auto kind = static_cast<ItemKind>(get_at<std::uint8_t>(bytes, 4));
  if (kind == ItemKind::message) return decode_message(bytes);
  return decode_small(kind, get_at<std::uint8_t>(bytes, 5), get_at<std::uint16_t>(bytes, 6),
                      ByteReader(bytes.substr(item_head_size)));
}

}  // namespace millrace::storage
