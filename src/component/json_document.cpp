#include "component/json_document.hpp"

#include <boost/json/parse.hpp>

#include "component/json_text.hpp"

namespace millrace::component {
namespace json = boost::json;

Result<json::value> parse_document(std::string_view text) {
  json::parse_options options;
  options.max_depth = json_text::depth_max;
  boost::system::error_code failed;
  auto value = json::parse(text, failed, {}, options);
  if (failed) return Error{Error::Kind::invalid, "no JSON: " + failed.message()};
  return value;
}

json::value document_or_text(std::string_view text) {
  auto value = parse_document(text);
  return value ? std::move(*value) : json::value(text);
}

}  // namespace millrace::component
