#include "tracing/span.hpp"

#include <algorithm>
#include <utility>

#include "history/reader.hpp"
#include "storage/varint.hpp"

namespace millrace::tracing {
namespace {

using history::Reader;
using storage::put_varint;

constexpr std::size_t attributes_max = 128;
enum ValueType : std::uint64_t { text, number, truth };  ///< places in Attribute::value
constexpr std::uint64_t is_sampled = 1;
constexpr std::uint64_t has_failed = 2;

void put_text(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to.append(text);
}

void put_attribute(std::string& to, const Attribute& attribute) {
  put_text(to, attribute.name);
  put_varint(to, attribute.value.index());
  if (const auto* said = std::get_if<std::string>(&attribute.value)) return put_text(to, *said);
  if (const auto* count = std::get_if<std::int64_t>(&attribute.value)) {
    return put_varint(to, static_cast<std::uint64_t>(*count));
  }
  put_varint(to, std::get<bool>(attribute.value) ? 1 : 0);
}

std::optional<Attribute> read_attribute(Reader& in) {
  Attribute attribute;
  attribute.name = in.text();
  switch (in.number()) {
    case ValueType::text:
      attribute.value = std::string(in.text());
      break;
    case ValueType::number:
      attribute.value = static_cast<std::int64_t>(in.number());
      break;
    case ValueType::truth:
      attribute.value = in.number() != 0;
      break;
    default:
      return std::nullopt;
  }
  if (!in.ok()) return std::nullopt;
  return attribute;
}

std::optional<Span> read(std::string_view payload) {
  Reader in(payload);
  Span span;
  const auto kind = in.number();
  if (kind < 1 || kind > static_cast<std::uint64_t>(Span::Kind::consumer)) return std::nullopt;
  span.kind = static_cast<Span::Kind>(kind);
  const auto flags = in.number();
  const auto traceparent = in.text();
  span.context = Context::read(traceparent, in.text());
  span.context.sampled = (flags & is_sampled) != 0;
  span.parent = in.text();
  span.name = in.text();
  span.begin_ns = in.number();
  span.end_ns = span.begin_ns + in.number();
  if ((flags & has_failed) != 0) span.failure = std::string(in.text());
  const auto count = in.number();
  if (!in.ok() || !span.context || count > attributes_max) return std::nullopt;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto attribute = read_attribute(in);
    if (!attribute) return std::nullopt;
    span.attributes.push_back(std::move(*attribute));
  }
  return span;
}

}  // namespace

std::vector<Attribute> messaging_attributes(std::string_view operation, std::string_view message,
                                            std::string_view execution) {
  return {{"messaging.system", "millrace"},
          {"messaging.operation.type", std::string(operation)},
          {"messaging.operation.name", std::string(operation)},
          {"messaging.message.id", std::string(message)},
          {"messaging.message.conversation_id", std::string(execution)},
          {"millrace.execution.id", std::string(execution)}};
}

Active Active::below(const Context& parent, double ratio, const io::Loop& loop) {
  return {parent ? parent.next() : Context::begin(ratio), parent.span_id, Begin::now(loop)};
}

Span Active::over(std::string name, Span::Kind kind, const io::Loop& loop) const {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  Span span;
  span.context = context;
  span.parent = parent;
  span.name = std::move(name);
  span.kind = kind;
  span.begin_ns = static_cast<std::uint64_t>(duration_cast<nanoseconds>(begin.at.time_since_epoch()).count());
  const auto took = duration_cast<nanoseconds>(loop.steady_now() - begin.steady).count();
  span.end_ns = span.begin_ns + static_cast<std::uint64_t>(std::max<std::int64_t>(took, 0));
  return span;
}

void encode(const Span& span, std::string& to) {
  std::string payload;
  put_varint(payload, static_cast<std::uint64_t>(span.kind));
  put_varint(payload, (span.context.sampled ? is_sampled : 0u) | (span.failure ? has_failed : 0u));
  put_text(payload, span.context.traceparent());
  put_text(payload, span.context.state);
  put_text(payload, span.parent);
  put_text(payload, span.name);
  put_varint(payload, span.begin_ns);
  put_varint(payload, span.end_ns - span.begin_ns);
  if (span.failure) put_text(payload, *span.failure);
  const auto count = std::min(span.attributes.size(), attributes_max);
  put_varint(payload, count);
  for (std::size_t i = 0; i < count; ++i) put_attribute(payload, span.attributes[i]);
  put_text(to, payload);
}

std::optional<Span> take_span(std::string_view& bytes) {
  Reader frame(bytes);
  const auto payload = frame.text();
  if (!frame.ok()) return std::nullopt;
  auto span = read(payload);
  if (span) bytes = frame.rest();
  return span;
}

}  // namespace millrace::tracing
