#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tracing/span.hpp"

namespace millrace::tracing {

/// Whose spans they are: a step of a flow's version. It stands with each of them as attributes.
struct Source {
  std::string flow = {};
  std::int64_t version = 0;
  std::string step = {};
  std::string component = {};  ///< with its function: "http.request"; empty: not said
  friend bool operator==(const Source&, const Source&) = default;
};

/// Who tells: the attributes of the resource.
struct Resource {
  std::string service = {};  ///< its name
  std::string version = {};
  std::string instance = {};  ///< this run of the platform
};

/// An export request in the JSON encoding of OTLP (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding,
/// opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest): ids as hexadecimal, 64-bit numbers as text, enums
/// as numbers.
class OtlpRequest {
 public:
  explicit OtlpRequest(const Resource& resource);

  /// Framed spans (encode). What is damaged ends them.
  void add(const Source& source, std::string_view spans);
  std::uint64_t count() const { return count_; }
  /// Once, as the last thing.
  std::string json() &&;

 private:
  void add(const Source& source, const Span& span);

  std::string text_;
  std::uint64_t count_ = 0;
};

}  // namespace millrace::tracing
