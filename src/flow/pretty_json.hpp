#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace millrace::flow {

/// JSON for people: two spaces a level, objects and arrays that fit in 100 columns on one line, a line feed at the end.
std::string pretty_json(const boost::json::value& value);

}  // namespace millrace::flow
