#pragma once

#include <iostream>
#include <string>

#include "app/installed_command.hpp"
#include "component/action.hpp"

namespace millrace::app {

/// `millrace component list` and `millrace component show NAME`, of the components of a data folder, or of the platform
/// at a URL.
int list_known(const InstalledOptions& options);
int show_known(const InstalledOptions& options);

/// One line a trigger or action.
int list_components(const component::Catalogue& catalogue, std::ostream& out = std::cout);

/// What one is: what it does, its fields, what it emits, examples; for people, or with `json` as one
/// JSON document. NAME is a function ("http.request") or a component ("http": all its functions). ExitCode::failed and
/// the nearest known name on `err` if there is none of that name.
int show_component(const std::string& name, bool json, const component::Catalogue& catalogue,
                   std::ostream& out = std::cout, std::ostream& err = std::cerr);

}  // namespace millrace::app
