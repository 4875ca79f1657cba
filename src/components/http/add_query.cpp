#include "components/http/add_query.hpp"

#include "components/template.hpp"

namespace millrace::components {

void add_query(std::string& url, const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string fragment;
  if (const auto hash = url.find('#'); hash != std::string::npos) {
    fragment = url.substr(hash);
    url.resize(hash);
  }
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : parameters) {
    url += separator;
    url.append(percent_encoded(name)).append("=").append(percent_encoded(value));
    separator = '&';
  }
  url += fragment;
}

}  // namespace millrace::components
