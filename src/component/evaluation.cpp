#include "component/evaluation.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "component/json_text.hpp"

namespace millrace::component {
namespace {

std::string describe(const jsonata::Fault& fault) {
  return fmt::format("JSONata {}: {}{}", fault.code, fault.message,
                     fault.position ? fmt::format(" (at character {})", *fault.position) : std::string());
}

bool is_true_value(std::string_view value) {
  value = json_text::trimmed(value);
  if (value.empty()) return false;
  switch (value.front()) {
    case 't':
      return true;
    case 'f':
    case 'n':
      return false;
    case '"':
      return value.size() > 2;
    case '{':
      return !json_text::trimmed(value.substr(1, value.size() - 2)).empty();
    case '[': {
      bool any = false;
      const auto walked = json_text::elements(value, [&](std::string_view element) {
        if (!any) any = is_true_value(element);
      });
      return walked && any;
    }
    default:
      return std::strtod(std::string(value).c_str(), nullptr) != 0;
  }
}

}  // namespace

Result<jsonata::Expression> compile(std::string_view source, std::string_view place) {
  auto compiled = jsonata::Expression::compile(source);
  if (!compiled) return Error{Error::Kind::invalid, fmt::format("{}: {}", place, describe(compiled.error()))};
  return std::move(*compiled);
}

Failure failure_of(const jsonata::Fault& fault, std::string_view place) {
  Failure failure;
  failure.code = "jsonata." + fault.code;
  failure.message = place.empty() ? describe(fault) : fmt::format("{}: {}", place, describe(fault));
  failure.details = fault.details_json;
  return failure;
}

bool is_true(const std::optional<std::string>& result_json) {
  return result_json && is_true_value(*result_json);
}

}  // namespace millrace::component
