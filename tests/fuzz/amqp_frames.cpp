// Frames, field tables and properties out of arbitrary bytes: nothing crashes, and what is read writes back the same.
#include <cstdint>
#include <cstdlib>

#include "amqp/frame.hpp"
#include "amqp/properties.hpp"

using namespace millrace::amqp;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void read_frames(std::string_view bytes, std::size_t piece) {
  FrameReader reader;
  while (!bytes.empty()) {
    const std::string fed(bytes.substr(0, piece));
    bytes.remove_prefix(fed.size());
    reader.feed(fed);
    for (;;) {
      auto next = reader.next();
      if (!next) return;
      if (!*next) break;
      std::string again;
      write_frame(again, (*next)->type, (*next)->channel, (*next)->payload);
      check(again.size() == (*next)->payload.size() + frame_overhead);
      if ((*next)->type == FrameType::header) (void)static_cast<bool>(read_content_header((*next)->payload));
    }
    reader.keep();
  }
}

void read_tables(std::string_view bytes) {
  Reader in(bytes);
  const FieldTable table = in.table();
  Reader skipping(bytes);
  skipping.skip_table();
  check(in.ok() == skipping.ok());
  if (!in.ok()) return;
  check(in.rest() == skipping.rest());
  std::string wire;
  write_table(wire, table);
  Reader back(wire);
  const FieldTable second = back.table();
  std::string again;
  write_table(again, second);
  check(back.ok() && back.at_end() && again == wire);
}

void read_properties(std::string_view bytes) {
  auto properties = decode_properties(bytes);
  auto seen = glance(bytes);
  check(static_cast<bool>(properties) == static_cast<bool>(seen));
  if (!properties) return;
  check(properties->delivery_mode.value_or(1) == seen->delivery_mode);
  check(static_cast<bool>(decode_properties(encode_properties(*properties))));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  read_frames(bytes, data[0] + 1u);
  read_tables(bytes);
  read_properties(bytes);
  return 0;
}
