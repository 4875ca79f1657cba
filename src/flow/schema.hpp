#pragma once

#include <string>

#include "component/action.hpp"

namespace millrace::flow {

/// JSON Schema (draft 2020-12) of the flow file, with the config of every function of the catalogue: what editors check
/// and complete by. Indented, ends with a line feed, the same for the same catalogue. docs/flow.schema.json is this
/// text.
std::string flow_schema(const component::Catalogue& catalogue);

}  // namespace millrace::flow
