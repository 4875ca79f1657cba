#include "flow/configuration_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "flow/document.hpp"

namespace millrace::flow {
namespace {

std::string place_of(const Source& source, std::size_t offset) {
  const auto at = source.position(offset);
  return fmt::format("{}:{}:{}", at.file, at.line, at.column);
}

bool is_scalar(const Node& value) {
  return value.kind != Node::Kind::list && value.kind != Node::Kind::mapping;
}

}  // namespace

Result<std::vector<ConfigurationEntry>> read_configuration_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    return Error{Error::Kind::invalid,
                 fmt::format("the configuration file {} cannot be read: {}", path, std::strerror(errno))};
  }
  const Source source(path, std::move(text));
  const auto documents = parse_documents(source);
  if (!documents) return Error{Error::Kind::invalid, documents.error().to_string()};
  std::vector<ConfigurationEntry> entries;
  for (const auto& document : *documents) {
    if (document->kind != Node::Kind::mapping) {
      return Error{Error::Kind::invalid, fmt::format("{}: a mapping of settings is wanted, but this is {}",
                                                     place_of(source, document->offset), describe(*document))};
    }
    for (const auto& entry : document->entries) {
      const auto place = place_of(source, entry.key_offset);
      if (!is_scalar(*entry.value)) {
        return Error{Error::Kind::invalid,
                     fmt::format("{}: {} must be one value, but is {}", place, entry.key, describe(*entry.value))};
      }
      entries.push_back({entry.key, entry.value->text, place});
    }
  }
  return entries;
}

}  // namespace millrace::flow
