#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::component {

/// A message in elastic.io's envelope: a JSON object with `id`, `body`, `headers`, `attachments`, `passthrough`, and,
/// from a webhook, `method`, `path` and `query`. Kept as JSON text; parts are slices of it, so that a step that only
/// maps never builds a document tree.
class Message {
 public:
  /// Error::invalid if the text is not a JSON object (json_text::depth_max applies: Error::limit).
  static Result<Message> parse(std::string envelope);
  /// An envelope from its parts, each JSON text; an empty part is left out. `body` is required.
  static Message make(std::string_view id, std::string_view body, std::string_view headers = {},
                      std::string_view attachments = {}, std::string_view passthrough = {});

  const std::string& envelope() const& { return envelope_; }
  std::string take_envelope() && { return std::move(envelope_); }
  /// The value of a top-level field as JSON text; empty if absent.
  std::string_view part(std::string_view name) const;
  std::string_view body() const { return part("body"); }
  std::string id() const;

  /// The same message with another body: what a step's `input:` mapping makes.
  Message with_body(std::string_view body) const;

 private:
  struct Slice {
    std::size_t at = 0;
    std::size_t size = 0;
  };
  static constexpr std::array<std::string_view, 5> indexed = {"id", "body", "headers", "attachments", "passthrough"};

  Message() = default;
  void append(std::size_t part, std::string_view value);

  std::string envelope_;
  std::array<Slice, indexed.size()> slices_;  ///< where the indexed parts stand; size 0: absent
};

}  // namespace millrace::component
