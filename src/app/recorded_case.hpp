#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "core/result.hpp"

namespace millrace::app {

/// Function of each step ("http.request").
using StepFunctions = std::map<std::string, std::string>;

/// One execution as the API shows it, as a case of a test file. Error::unsupported: it cannot be one, and why.
Result<boost::json::object> recorded_case(const boost::json::object& execution, const StepFunctions& functions);

/// Values for the `${NAME}` in a flow's text, as far as recorded requests tell them, else such as fit their names.
boost::json::object recorded_environment(const std::string& flow_text, const boost::json::object& execution);

}  // namespace millrace::app
