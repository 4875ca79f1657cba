#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "flow/flow.hpp"
#include "flow/source.hpp"

namespace millrace::flow {

struct Node;
using NodePtr = std::shared_ptr<const Node>;

/// One value of a YAML (or JSON) document, with its place in the file. An alias shares its anchor's node.
struct Node {
  enum class Kind { null, boolean, integer, number, text, list, mapping };
  struct Entry {
    std::string key;
    std::size_t key_offset = 0;
    NodePtr value;
  };

  Kind kind = Kind::null;
  std::size_t offset = 0;  ///< where it begins, in bytes from the start of the file
  std::string text = {};   ///< scalars: the text, also of numbers and booleans
  bool plain = false;  ///< scalars: neither quoted nor a block, so its type comes from its look (YAML 1.2 core schema)
  std::vector<NodePtr> items = {};
  std::vector<Entry> entries = {};  ///< in the file's order; a repeated key stands here twice
  std::size_t height = 1;           ///< levels in it
  std::size_t weight = 1;           ///< about how many values it has with all aliases written out

  const Node* find(std::string_view key) const;
};

/// "a mapping", "a list", "the number 5" …: for messages.
std::string describe(const Node& node);

/// Limits that keep a hostile file from costing more than its reading.
inline constexpr std::size_t file_size_max = 1u << 20;  ///< bytes
inline constexpr std::size_t nesting_max = 64;          ///< levels
inline constexpr std::size_t values_max = 100'000;      ///< values of one document, aliases written out

/// The documents of a file, empty ones left out. The only place that knows the YAML library: its exceptions end here.
/// Reports the first thing that makes the text unreadable.
Result<std::vector<NodePtr>, Problem> parse_documents(const Source& source);

/// Where a scalar itself begins, after its anchor and tag: its quote, its `|`, its first letter.
std::size_t content_offset(const Source& source, const Node& scalar);

/// Byte offset in the file of the byte `value_offset` of a scalar's text: sees through quotes, escapes, and the
/// indentation of blocks. Where a scalar is folded in an unusual way, a place near by.
std::size_t offset_inside(const Source& source, const Node& scalar, std::size_t value_offset);

}  // namespace millrace::flow
