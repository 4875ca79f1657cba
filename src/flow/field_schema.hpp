#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "component/descriptor.hpp"

namespace millrace::flow {

/// JSON Schema of one field's value as people write it: `${NAME}` may stand for any scalar.
boost::json::object field_schema(const component::Field& field);
/// JSON Schema of a mapping of these fields.
boost::json::object fields_schema(const std::vector<component::Field>& fields);
/// What the others refer to, for "$defs": variable, duration, size.
boost::json::object shared_field_schemas();

}  // namespace millrace::flow
