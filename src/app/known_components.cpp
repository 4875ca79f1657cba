#include "app/known_components.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "components/catalogue.hpp"

namespace millrace::app {

KnownComponents::KnownComponents(const std::string& data_folder)
    : catalogue_(components::make_catalogue()), installed_(data_folder, catalogue_) {
  if (!data_folder.empty()) installed_.load();
}

void KnownComponents::complain() const {
  for (const auto& problem : installed_.problems()) {
    fmt::print(stderr, "millrace: the installed component {} cannot be used: {}\n",
               problem.substr(0, problem.find(':')), problem.substr(problem.find(':') + 2));
  }
}

}  // namespace millrace::app
