#pragma once

#include "component/action.hpp"

namespace millrace::components {

/// Every trigger and action of this binary.
component::Catalogue make_catalogue();

}  // namespace millrace::components
