#include <algorithm>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/exit_code.hpp"
#include "app/settings.hpp"

namespace millrace::app {

int show_config(const Given& given, bool json) {
  const auto values = resolve(Command::serve, given);
  if (!values) {
    fmt::print(stderr, "millrace: {}\n", values.error().message);
    return ExitCode::usage;
  }
  if (json) {
    boost::json::object all;
    for (const auto& setting : settings()) {
      const auto& value = values->find(setting.name)->second;
      all[setting.name] = {{"value", setting.shown(value.text)}, {"from", to_string(value.origin)}};
    }
    fmt::print("{}\n", boost::json::serialize(all));
    return ExitCode::ok;
  }
  std::size_t width = 0;
  for (const auto& setting : settings()) {
    width = std::max(width, setting.shown(values->find(setting.name)->second.text).size());
  }
  for (const auto& setting : settings()) {
    const auto& value = values->find(setting.name)->second;
    fmt::print("{:<17} {:<{}}  {}\n", setting.name, setting.shown(value.text), width, to_string(value.origin));
  }
  return ExitCode::ok;
}

}  // namespace millrace::app
