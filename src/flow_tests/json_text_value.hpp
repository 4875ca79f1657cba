#pragma once

#include <string_view>

#include <boost/json/value.hpp>

namespace millrace::flow_tests {

/// JSON text as a value, nested as deeply as messages may be; text that is no JSON as a string. Empty: null.
boost::json::value value_of(std::string_view text);

}  // namespace millrace::flow_tests
