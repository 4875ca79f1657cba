#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "component/descriptor.hpp"
#include "flow/reading.hpp"

namespace millrace::flow {

/// A step's `config:` checked against its function's fields, in the form that components read: variables replaced,
/// durations in whole milliseconds, sizes in bytes, defaults filled in. `config` is null where the step has none; what
/// is missing is then reported at `step`. Sets `passthrough` if an expression reads that field. What is wrong is
/// reported and left out.
boost::json::object read_config(Reading& reading, const Node* config, const Node& step, const std::string& path,
                                const component::Descriptor& descriptor, bool& passthrough);

}  // namespace millrace::flow
