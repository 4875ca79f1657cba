#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "component/descriptor.hpp"
#include "flow/reading.hpp"

namespace millrace::flow {

/// One value of a `config:` as its field wants it; nullopt after reporting what is wrong.
std::optional<boost::json::value> read_value(Reading& reading, const Node& node, const std::string& path,
                                             const component::Field& field, bool& passthrough);

/// A mapping with these fields; missing ones get their defaults.
boost::json::object read_fields(Reading& reading, const Node& mapping, const std::string& path,
                                const std::vector<component::Field>& fields, bool& passthrough);

/// Any value as JSON, with the variables in its texts replaced.
std::optional<boost::json::value> read_any(Reading& reading, const Node& node, const std::string& path);

/// A whole number of a field outside `config:` (instances, attempts) within its bounds.
std::optional<std::int64_t> read_integer(Reading& reading, const Node& node, const std::string& path, std::int64_t min,
                                         std::int64_t max);
std::optional<double> read_number(Reading& reading, const Node& node, const std::string& path);
/// A duration in milliseconds.
std::optional<std::int64_t> read_duration(Reading& reading, const Node& node, const std::string& path);

}  // namespace millrace::flow
