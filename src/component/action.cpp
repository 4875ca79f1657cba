#include "component/action.hpp"

namespace millrace::component {

Outcome Outcome::later(Failure why, std::optional<std::chrono::milliseconds> retry_after) {
  Outcome outcome;
  outcome.kind = Kind::rebound;
  outcome.failure = std::move(why);
  outcome.retry_after = retry_after;
  return outcome;
}

Outcome Outcome::dead(Failure why) {
  Outcome outcome;
  outcome.kind = Kind::failed;
  outcome.failure = std::move(why);
  return outcome;
}

Catalogue::Catalogue(std::vector<Function> functions, Host host)
    : functions_(std::move(functions)), host_(std::move(host)) {}

const Function* Catalogue::find(std::string_view full_name) const {
  for (const auto& function : functions_) {
    if (function.descriptor.full_name() == full_name) return &function;
  }
  return nullptr;
}

void Catalogue::replace(std::string_view component, std::vector<Function> functions) {
  std::erase_if(functions_, [&](const Function& function) { return function.descriptor.component == component; });
  for (Function& function : functions) functions_.push_back(std::move(function));
}

}  // namespace millrace::component
