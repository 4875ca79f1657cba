#include "orchestrator/driver/docker/engine.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace millrace::orchestrator::docker {

std::string EngineAnswer::message() const {
  boost::system::error_code failed;
  const auto document = boost::json::parse(body, failed);
  if (!failed && document.is_object()) {
    const auto* text = document.get_object().if_contains("message");
    if (text != nullptr && text->is_string()) return std::string(text->get_string());
  }
  return fmt::format("the engine answered {}", status);
}

}  // namespace millrace::orchestrator::docker
