#include "amqp/properties.hpp"

#include "amqp/wire.hpp"

namespace millrace::amqp {

namespace {

/// Bits of the property flags, first property highest (§4.2.6.1); bit 0 would say that more flags follow, and class
/// basic has no more.
enum Flag : std::uint16_t {
  content_type = 1 << 15,
  content_encoding = 1 << 14,
  headers = 1 << 13,
  delivery_mode = 1 << 12,
  priority = 1 << 11,
  correlation_id = 1 << 10,
  reply_to = 1 << 9,
  expiration = 1 << 8,
  message_id = 1 << 7,
  timestamp = 1 << 6,
  type = 1 << 5,
  user_id = 1 << 4,
  app_id = 1 << 3,
  cluster_id = 1 << 2,
};
constexpr std::uint16_t unknown_flags = 3;

Error malformed(std::string_view what) {
  return Error{Error::Kind::invalid, "message properties are malformed at " + std::string(what)};
}

}  // namespace

Result<Properties> decode_properties(std::string_view wire) {
  Reader in(wire);
  Properties out;
  const auto flags = in.number<std::uint16_t>();
  if (!in.ok() || (flags & unknown_flags)) return malformed("the property flags");

  std::string_view failed;
  const auto text = [&](Flag flag, std::string_view name, std::optional<std::string>& field) {
    if (!(flags & flag) || !failed.empty()) return;
    field.emplace(in.short_string());
    if (!in.ok()) failed = name;
  };
  const auto number = [&]<class T>(Flag flag, std::string_view name, std::optional<T>& field) {
    if (!(flags & flag) || !failed.empty()) return;
    field = in.number<T>();
    if (!in.ok()) failed = name;
  };
  text(content_type, "content-type", out.content_type);
  text(content_encoding, "content-encoding", out.content_encoding);
  if ((flags & headers) && failed.empty()) {
    out.headers = in.table();
    if (!in.ok()) failed = "headers";
  }
  number(delivery_mode, "delivery-mode", out.delivery_mode);
  number(priority, "priority", out.priority);
  text(correlation_id, "correlation-id", out.correlation_id);
  text(reply_to, "reply-to", out.reply_to);
  text(expiration, "expiration", out.expiration);
  text(message_id, "message-id", out.message_id);
  number(timestamp, "timestamp", out.timestamp);
  text(type, "type", out.type);
  text(user_id, "user-id", out.user_id);
  text(app_id, "app-id", out.app_id);
  text(cluster_id, "cluster-id", out.cluster_id);
  if (!failed.empty()) return malformed(failed);
  if (!in.at_end()) return malformed("the end of the property list");
  return out;
}

std::string encode_properties(const Properties& properties) {
  std::uint16_t flags = 0;
  std::string list;
  const auto text = [&](Flag flag, const std::optional<std::string>& field) {
    if (!field) return;
    flags |= flag;
    write_short_string(list, *field);
  };
  const auto number = [&](Flag flag, const auto& field) {
    if (!field) return;
    flags |= flag;
    write_number(list, *field);
  };
  text(content_type, properties.content_type);
  text(content_encoding, properties.content_encoding);
  if (properties.headers) {
    flags |= headers;
    write_table(list, *properties.headers);
  }
  number(delivery_mode, properties.delivery_mode);
  number(priority, properties.priority);
  text(correlation_id, properties.correlation_id);
  text(reply_to, properties.reply_to);
  text(expiration, properties.expiration);
  text(message_id, properties.message_id);
  number(timestamp, properties.timestamp);
  text(type, properties.type);
  text(user_id, properties.user_id);
  text(app_id, properties.app_id);
  text(cluster_id, properties.cluster_id);

  std::string wire;
  wire.reserve(2 + list.size());
  write_number(wire, flags);
  wire += list;
  return wire;
}

namespace {

std::string decoded_with_header(std::string_view wire, std::string_view name, std::int64_t value) {
  auto properties = decode_properties(wire);
  if (!properties) return std::string(wire);
  if (!properties->headers) properties->headers.emplace();
  properties->headers->set(name, value);
  return encode_properties(*properties);
}

}  // namespace

/// Nearly always it is enough to put the entry at the end of the table.
std::string with_header(std::string_view wire, std::string_view name, std::int64_t value) {
  constexpr std::uint16_t content_type = 1u << 15, content_encoding = 1u << 14, headers = 1u << 13, more_flags = 1u;
  Reader in(wire);
  const auto flags = in.number<std::uint16_t>();
  if ((flags & more_flags) != 0 || wire.find(name) != std::string_view::npos) {
    return decoded_with_header(wire, name, value);
  }
  if ((flags & content_type) != 0) in.short_string();
  if ((flags & content_encoding) != 0) in.short_string();
  const auto before = wire.size() - in.rest().size();
  const auto table = (flags & headers) != 0 ? in.long_string() : std::string_view();
  if (!in.ok()) return std::string(wire);
  std::string entry;
  write_short_string(entry, name);
  entry += 'l';
  write_number(entry, value);
  std::string out;
  out.reserve(wire.size() + entry.size() + sizeof(std::uint32_t));
  write_number(out, static_cast<std::uint16_t>(flags | headers));
  out += wire.substr(sizeof flags, before - sizeof flags);
  write_number(out, static_cast<std::uint32_t>(table.size() + entry.size()));
  out += table;
  out += entry;
  out += in.rest();
  return out;
}

Result<PropertyGlance> glance(std::string_view wire) {
  Reader in(wire);
  PropertyGlance out;
  const auto flags = in.number<std::uint16_t>();
  if (!in.ok() || (flags & unknown_flags)) return malformed("the property flags");
  if (flags & content_type) in.short_string();
  if (flags & content_encoding) in.short_string();
  if (flags & headers) {
    const auto from = in.rest();
    in.skip_table();
    out.headers = from.substr(0, from.size() - in.rest().size());
  }
  if (flags & delivery_mode) out.delivery_mode = in.number<std::uint8_t>();
  if (flags & priority) out.priority = in.number<std::uint8_t>();
  if (flags & correlation_id) in.short_string();
  if (flags & reply_to) out.reply_to = in.short_string();
  if (flags & expiration) out.expiration = in.short_string();
  if (flags & message_id) out.message_id = in.short_string();
  if (flags & timestamp) in.number<std::uint64_t>();
  if (flags & type) in.short_string();
  if (flags & user_id) out.user_id = in.short_string();
  if (flags & app_id) in.short_string();
  if (flags & cluster_id) in.short_string();
  if (!in.ok() || !in.at_end()) return malformed("the property list");
  return out;
}

}  // namespace millrace::amqp
