#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "core/result.hpp"

namespace millrace::imports {

struct Imported {
  std::string text;                ///< a flow file; of several flows one YAML document each
  std::vector<std::string> notes;  ///< what could not be carried over, "FLOW: STEP: what"; it stands in the text, too
};

/// Flows of elastic.io's API v2 as a flow file. Steps keep their ids where those can be ids here, a mapper becomes
/// `input:`, a condition `when:`, replicas `instances:`; webhook, timer and router become what Millrace has for them,
/// every other command the function of the installed component that has its repository's name. The catalogue says
/// whether such a trigger polls; one that is not installed does, if its flow has a schedule. `file`: for errors.
Result<Imported> import_elasticio(std::string_view text, const std::string& file,
                                  const component::Catalogue& catalogue);

}  // namespace millrace::imports
