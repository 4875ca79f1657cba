#include "flow_tests/json_text_value.hpp"

#include <boost/json/parse.hpp>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "component/utf8.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;

json::value value_of(std::string_view text) {
  if (text.empty()) return nullptr;
  json::parse_options options;
  options.max_depth = component::json_text::depth_max;
  boost::system::error_code failed;
  auto value = json::parse(text, failed, {}, options);
  if (!failed) return value;
  return json::value(component::utf8::is_valid(text) ? std::string(text) : component::base64_encoded(text));
}

}  // namespace millrace::flow_tests
