#pragma once

#include <string>
#include <string_view>

#include "amqp/field_table.hpp"
#include "amqp/wire.hpp"

namespace millrace::broker {

/// A field table as the log keeps it: its bytes on the wire.
inline std::string table_bytes(const amqp::FieldTable& table) {
  std::string bytes;
  amqp::write_table(bytes, table);
  return bytes;
}

/// The table again; what cannot be read (only a bug could have written it) is an empty one.
inline amqp::FieldTable table_from(std::string_view bytes) {
  return amqp::Reader(bytes).table();
}

}  // namespace millrace::broker
