#include "tracing/otlp.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "jsonata/utf8.hpp"

namespace millrace::tracing {
namespace {

/// As a JSON text; a byte that is no UTF-8 becomes a question mark.
std::string quoted(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto size = jsonata::code_point_bytes(text, at);
    const bool damaged = size == 1 && static_cast<unsigned char>(text[at]) >= 0x80;
    valid.append(damaged ? "?" : text.substr(at, size));
    at += size;
  }
  return boost::json::serialize(boost::json::string_view(valid));
}

std::string value_of(const Attribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value)) return "{\"stringValue\":" + quoted(*text) + "}";
  if (const auto* number = std::get_if<std::int64_t>(&attribute.value))
    return fmt::format(R"({{"intValue":"{}"}})", *number);
  return std::get<bool>(attribute.value) ? R"({"boolValue":true})" : R"({"boolValue":false})";
}

void add_attribute(std::string& to, const Attribute& attribute) {
  if (to.back() != '[') to += ',';
  to += "{\"key\":" + quoted(attribute.name) + ",\"value\":" + value_of(attribute) + "}";
}

}  // namespace

OtlpRequest::OtlpRequest(const Resource& resource) {
  text_ = R"({"resourceSpans":[{"resource":{"attributes":[)";
  add_attribute(text_, {"service.name", resource.service});
  add_attribute(text_, {"service.version", resource.version});
  add_attribute(text_, {"service.instance.id", resource.instance});
  text_ += R"(]},"scopeSpans":[{"scope":{"name":"millrace","version":)" + quoted(resource.version) + R"(},"spans":[)";
}

void OtlpRequest::add(const Source& source, std::string_view spans) {
  while (const auto span = take_span(spans)) add(source, *span);
}

void OtlpRequest::add(const Source& source, const Span& span) {
  if (count_++ > 0) text_ += ',';
  text_ += fmt::format(R"({{"traceId":"{}","spanId":"{}")", span.context.trace_id, span.context.span_id);
  if (!span.parent.empty()) text_ += fmt::format(R"(,"parentSpanId":"{}")", span.parent);
  if (!span.context.state.empty()) text_ += ",\"traceState\":" + quoted(span.context.state);
  text_ += fmt::format(
      R"(,"flags":{},"name":{},"kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[)",
      span.context.sampled ? 1 : 0, quoted(span.name), static_cast<int>(span.kind), span.begin_ns, span.end_ns);
  add_attribute(text_, {"millrace.flow", source.flow});
  add_attribute(text_, {"millrace.flow.version", source.version});
  add_attribute(text_, {"millrace.step", source.step});
  if (!source.component.empty()) add_attribute(text_, {"millrace.component", source.component});
  for (const auto& attribute : span.attributes) add_attribute(text_, attribute);
  text_ += ']';
  constexpr int error = 2;  // opentelemetry.proto.trace.v1.Status.StatusCode
  if (span.failure) text_ += fmt::format(R"(,"status":{{"code":{},"message":{}}})", error, quoted(*span.failure));
  text_ += '}';
}

std::string OtlpRequest::json() && {
  text_ += "]}]}]}";
  return std::move(text_);
}

}  // namespace millrace::tracing
