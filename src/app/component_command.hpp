#pragma once

#include <iostream>
#include <string>

#include "component/action.hpp"

namespace millrace::app {

/// `millrace component list`: one line a trigger or action.
int list_components(const component::Catalogue& catalogue, std::ostream& out = std::cout);

/// `millrace component show NAME`: what it does, its fields, what it emits, examples; for people, or with `json` as one
/// JSON document. NAME is a function ("http.request") or a component ("http": all its functions). ExitCode::failed and
/// the nearest known name on `err` if there is none of that name.
int show_component(const std::string& name, bool json, const component::Catalogue& catalogue,
                   std::ostream& out = std::cout, std::ostream& err = std::cerr);

}  // namespace millrace::app
