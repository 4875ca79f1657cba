#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow.hpp"

namespace millrace::flow {

/// The text of one flow file and where its lines begin.
class Source {
 public:
  Source(std::string file, std::string text);

  const std::string& file() const { return file_; }
  std::string_view text() const { return text_; }
  /// Line and column of a byte offset. Columns count characters (code points), as editors do, not bytes.
  Position position(std::size_t offset) const;
  /// Byte offset of the first character of the line (counted from 1); the end of the text if there are fewer lines.
  std::size_t line_start(std::size_t line) const;

 private:
  std::string file_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

/// The document of a YAML stream in which the byte at `offset` stands, without the lines `---` around it. (A line that
/// begins with `---` ends a document wherever it stands, YAML 1.2.2 §9.1.2.)
std::string document_at(std::string_view text, std::size_t offset);

/// Offset of the first byte that may not stand in a flow file: malformed UTF-8, or a control character other than tab,
/// line feed and carriage return. npos if there is none.
std::size_t first_unreadable(std::string_view text);

}  // namespace millrace::flow
