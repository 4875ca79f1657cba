#include "history/record.hpp"

#include <array>

#include <fmt/format.h>

#include "history/reader.hpp"
#include "storage/checksum.hpp"
#include "storage/varint.hpp"

namespace millrace::history {
namespace {

using storage::put_varint;

enum Flag : unsigned char { is_whole = 1, is_retried = 2, is_redacted = 4 };
constexpr std::size_t uuid_size = 36;
constexpr std::size_t outputs_max = 100'000;

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_dash_place(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

/// A UUID as 16 bytes behind a 0; any other text behind its size + 1.
void put_id(std::string& to, std::string_view id) {
  std::array<char, 16> packed{};
  std::size_t nibbles = 0;
  bool is_uuid = id.size() == uuid_size;
  for (std::size_t i = 0; is_uuid && i < id.size(); ++i) {
    if (is_dash_place(i)) {
      is_uuid = id[i] == '-';
      continue;
    }
    const int value = nibble(id[i]);
    is_uuid = value >= 0;
    if (is_uuid) packed[nibbles / 2] = static_cast<char>(static_cast<unsigned char>(packed[nibbles / 2]) << 4 | value);
    ++nibbles;
  }
  if (is_uuid) {
    to += '\0';
    to.append(packed.data(), packed.size());
    return;
  }
  put_varint(to, id.size() + 1);
  to.append(id);
}

void put_text(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to.append(text);
}

/// JSON text without what must not be recorded. Whether something was left out.
bool put_json(std::string& to, std::string_view json, const Redaction& redaction) {
  if (json.size() > text_size_max) {
    put_text(to, fmt::format("{{\"omitted\":{}}}", json.size()));
    return true;
  }
  static thread_local std::string scratch;
  scratch.clear();
  const bool redacted = redaction.apply(json, scratch);
  put_text(to, scratch);
  return redacted;
}

std::optional<Record> read(std::string_view payload) {
  Reader in(payload);
  Record record;
  const auto kind = in.byte();
  const auto flags = in.byte();
  if (kind > static_cast<unsigned char>(Record::Kind::emitted)) return std::nullopt;
  record.kind = static_cast<Record::Kind>(kind);
  record.whole = (flags & is_whole) != 0;
  record.retried = (flags & is_retried) != 0;
  record.redacted = (flags & is_redacted) != 0;
  record.at = static_cast<std::int64_t>(in.number());
  record.took = in.number();
  record.attempt = static_cast<std::uint32_t>(in.number());
  record.spawned = static_cast<std::uint32_t>(in.number());
  record.execution = in.id();
  record.message = in.id();
  const auto count = in.number();
  if (!in.ok() || count > outputs_max) return std::nullopt;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) record.outputs.push_back(in.text());
  record.input = in.text();
  record.prepared = in.text();
  record.code = in.text();
  record.error = in.text();
  record.details = in.text();
  record.retry_at = static_cast<std::int64_t>(in.number());
  record.via = in.text();
  record.cause = in.text();
  return in.ok() ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace

void encode(const Record& record, const Redaction& redaction, std::string& to) {
  static thread_local std::string payload;
  payload.clear();
  payload += static_cast<char>(record.kind);
  payload += static_cast<char>((record.whole ? is_whole : 0) | (record.retried ? is_retried : 0));
  put_varint(payload, static_cast<std::uint64_t>(record.at));
  put_varint(payload, record.took);
  put_varint(payload, record.attempt);
  put_varint(payload, record.spawned);
  put_id(payload, record.execution);
  put_id(payload, record.message);
  bool redacted = false;
  put_varint(payload, record.outputs.size());
  for (const auto output : record.outputs) redacted = put_json(payload, output, redaction) || redacted;
  redacted = put_json(payload, record.input, redaction) || redacted;
  redacted = put_json(payload, record.prepared, redaction) || redacted;
  put_text(payload, record.code);
  put_text(payload, record.error);
  redacted = put_json(payload, record.details, redaction) || redacted;
  put_varint(payload, static_cast<std::uint64_t>(record.retry_at));
  put_text(payload, record.via);
  put_text(payload, record.cause);
  if (redacted) payload[1] = static_cast<char>(static_cast<unsigned char>(payload[1]) | is_redacted);
  put_text(to, payload);
}

std::optional<Record> take_record(std::string_view& bytes) {
  Reader frame(bytes);
  const auto payload = frame.text();
  if (!frame.ok()) return std::nullopt;
  auto record = read(payload);
  if (record) bytes = frame.rest();
  return record;
}

bool skip_record(std::string_view& bytes) {
  Reader frame(bytes);
  frame.text();
  if (frame.ok()) bytes = frame.rest();
  return frame.ok();
}

std::uint64_t count_records(std::string_view bytes) {
  std::uint64_t count = 0;
  while (!bytes.empty() && skip_record(bytes)) ++count;
  return count;
}

std::uint64_t key_of(std::string_view execution) {
  constexpr std::uint64_t seed = 0x686973746f7279;
  return storage::checksum(execution, seed);
}

}  // namespace millrace::history
