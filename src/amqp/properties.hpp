#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/field_table.hpp"
#include "core/result.hpp"

namespace millrace::amqp {

/// The properties of class basic (AMQP 0-9-1 §1.8); an unset one is absent on the wire.
struct Properties {
  std::optional<std::string> content_type;
  std::optional<std::string> content_encoding;
  std::optional<FieldTable> headers;
  std::optional<std::uint8_t> delivery_mode;  ///< 1 transient, 2 persistent
  std::optional<std::uint8_t> priority;
  std::optional<std::string> correlation_id;
  std::optional<std::string> reply_to;
  std::optional<std::string> expiration;  ///< milliseconds, as decimal text
  std::optional<std::string> message_id;
  std::optional<std::uint64_t> timestamp;  ///< seconds since the Unix epoch
  std::optional<std::string> type;
  std::optional<std::string> user_id;
  std::optional<std::string> app_id;
  std::optional<std::string> cluster_id;
};

/// Property flags and list as they stand in a content header frame (§4.2.6.1). Error::invalid names the property.
Result<Properties> decode_properties(std::string_view wire);
std::string encode_properties(const Properties& properties);

/// The same properties with one more header, or another value of it. What is malformed stays as it is.
std::string with_header(std::string_view wire, std::string_view name, std::int64_t value);

/// The parts that a broker needs of every message, read in one pass without building the header table. Malformed input
/// gives Error::invalid.
struct PropertyGlance {
  std::uint8_t delivery_mode = 1;
  std::optional<std::string_view> message_id;
  std::optional<std::string_view> expiration;
  std::uint8_t priority = 0;
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> reply_to;
  std::string_view headers = {};  ///< the table as on the wire; empty if there is none
};
Result<PropertyGlance> glance(std::string_view wire);

}  // namespace millrace::amqp
