#include "tracing/context.hpp"

#include <algorithm>
#include <charconv>

#include "core/id.hpp"

namespace millrace::tracing {
namespace {

constexpr std::size_t trace_id_at = 3;
constexpr std::size_t trace_id_size = 32;
constexpr std::size_t span_id_at = 36;
constexpr std::size_t span_id_size = 16;
constexpr std::size_t flags_at = 53;
constexpr std::size_t size = 55;  ///< of version 00; later ones may go on after another dash

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

bool is_well_formed(std::string_view text) {
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const auto version = text.substr(0, 2);
  if (!is_hex(version) || version == "ff") return false;
  if (text.size() > size && (version == "00" || text[size] != '-')) return false;
  const auto trace = text.substr(trace_id_at, trace_id_size);
  const auto span = text.substr(span_id_at, span_id_size);
  return is_hex(trace) && !is_zero(trace) && is_hex(span) && !is_zero(span) && is_hex(text.substr(flags_at, 2));
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// Not all zero, which would be no id.
std::string random_hex(std::size_t digits) {
  for (;;) {
    if (auto text = random_token(digits / 2); !is_zero(text)) return text;
  }
}

/// By the last 56 bits of the trace id, which are random (W3C Trace Context Level 2).
bool is_chosen(const std::string& trace_id, double ratio) {
  std::uint64_t random = 0;
  std::from_chars(trace_id.data() + trace_id_size - 14, trace_id.data() + trace_id_size, random, 16);
  return static_cast<double>(random) < ratio * static_cast<double>(std::uint64_t{1} << 56);
}

}  // namespace

std::string Context::traceparent() const {
  if (trace_id.empty()) return {};
  return "00-" + trace_id + "-" + span_id + (sampled ? "-01" : "-00");
}

Context Context::next() const {
  return {trace_id, random_hex(span_id_size), sampled, state};
}

Context Context::read(std::string_view traceparent, std::string_view tracestate) {
  if (!is_well_formed(traceparent)) return {};
  Context context;
  context.trace_id = traceparent.substr(trace_id_at, trace_id_size);
  context.span_id = traceparent.substr(span_id_at, span_id_size);
  const char low = traceparent[flags_at + 1];
  context.sampled = ((low <= '9' ? low - '0' : low - 'a' + 10) & 1) != 0;
  if (tracestate.size() <= state_max && is_printable(tracestate)) context.state = tracestate;
  return context;
}

Context Context::begin(double ratio) {
  Context context;
  context.trace_id = random_hex(trace_id_size);
  context.span_id = random_hex(span_id_size);
  context.sampled = is_chosen(context.trace_id, ratio);
  return context;
}

}  // namespace millrace::tracing
