#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/loop.hpp"
#include "tracing/context.hpp"

namespace millrace::tracing {

/// A name of the semantic conventions (https://opentelemetry.io/docs/specs/semconv/) or one of ours ("millrace.…").
struct Attribute {
  std::string name;
  std::variant<std::string, std::int64_t, bool> value;
};

/// When something began, on both clocks: what is measured from it is not disturbed by a wall clock that is set.
struct Begin {
  io::WallTime at = {};
  io::SteadyTime steady = {};

  static Begin now(const io::Loop& loop) { return {loop.wall_now(), loop.steady_now()}; }
};

/// What the semantic conventions for messaging have of a message that is sent or processed, and its execution.
std::vector<Attribute> messaging_attributes(std::string_view operation, std::string_view message,
                                            std::string_view execution);

/// Something that was done for a trace, and is over.
struct Span {
  enum class Kind : std::uint8_t { internal = 1, server, client, producer, consumer };  ///< as OTLP numbers them

  Context context = {};
  std::string parent = {};  ///< its span id; empty: the trace begins here
  std::string name = {};
  Kind kind = Kind::internal;
  std::uint64_t begin_ns = 0;  ///< since the Unix epoch
  std::uint64_t end_ns = 0;
  std::vector<Attribute> attributes = {};
  std::optional<std::string> failure = {};  ///< why it came to nothing; not set: it did not
};

/// Something that is being done for a trace.
struct Active {
  Context context = {};
  std::string parent = {};  ///< as in Span
  Begin begin = {};

  /// A span of its own below `parent`, or, if that is in no trace, the first of a new one.
  static Active below(const Context& parent, double ratio, const io::Loop& loop);
  /// Its span, which ends now.
  Span over(std::string name, Span::Kind kind, const io::Loop& loop) const;
};

/// Appends the span, framed as the history's records are (history::skip_record passes over it): so it travels from
/// workers to the platform.
void encode(const Span& span, std::string& to);
/// Takes the first framed span off `bytes`. nullopt, and nothing is taken, if it is not whole and well-formed.
std::optional<Span> take_span(std::string_view& bytes);

/// Where spans go that are over. Takes them or drops them, at once.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void add(const Span& span) = 0;
};

}  // namespace millrace::tracing
