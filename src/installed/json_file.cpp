#include "installed/json_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <boost/json/stream_parser.hpp>
#include <fmt/format.h>

namespace millrace::installed {
namespace {

namespace json = boost::json;

constexpr std::size_t size_max = 5'000'000;
constexpr std::size_t depth_max = 64;

Error malformed(std::string_view text, std::size_t offset, std::string_view name, const std::string& what) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto line_begin = before.rfind('\n');
  const auto column = line_begin == std::string_view::npos ? before.size() + 1 : before.size() - line_begin;
  return {Error::Kind::invalid, fmt::format("{}:{}:{}: is not JSON: {}", name, line, column, what)};
}

}  // namespace

Result<json::value> parse_json(std::string_view text, std::string_view name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  json::parse_options options;
  options.max_depth = depth_max;
  json::stream_parser parser({}, options);
  boost::system::error_code failed;
  const auto taken = parser.write_some(text.data(), text.size(), failed);
  if (failed) return malformed(text, taken, name, failed.message());
  const auto rest = text.substr(taken);
  if (const auto more = rest.find_first_not_of(" \t\r\n"); more != std::string_view::npos) {
    return malformed(text, taken + more, name, "something stands after its end");
  }
  parser.finish(failed);
  if (failed) return malformed(text, text.size(), name, "it ends too early");
  return parser.release();
}

Result<json::value> read_json_file(const std::string& path, std::string_view name) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) {
    const bool absent = failed == std::errc::no_such_file_or_directory || failed == std::errc::not_a_directory;
    return Error{absent ? Error::Kind::not_found : Error::Kind::io,
                 fmt::format("{}: {}", name, absent ? "is not there" : failed.message())};
  }
  if (size > size_max) return Error{Error::Kind::limit, fmt::format("{}: is larger than 5 MB", name)};
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    return Error{Error::Kind::io, fmt::format("{}: cannot be read: {}", name, std::strerror(errno))};
  }
  return parse_json(text, name);
}

}  // namespace millrace::installed
