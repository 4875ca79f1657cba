#pragma once

#include <string>
#include <utility>
#include <vector>

namespace millrace::components {

/// Adds parameters to a URL's query, percent-encoded, before its fragment.
void add_query(std::string& url, const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace millrace::components
