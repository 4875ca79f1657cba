#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.hpp"
#include "core/result.hpp"

namespace millrace::app {

/// One setting of `millrace serve` and `millrace run`. From its name come the flag (--worker-memory), the environment
/// variable (MILLRACE_WORKER_MEMORY) and the key in the configuration file (worker_memory).
struct Setting {
  enum class Type {
    text,
    address,
    path,
    level,
    format,
    size,
    duration,
    workers,
    driver,
    history,
    url,
    headers,
    fraction,
    store,
    broker
  };

  std::string_view name;  ///< as the key
  Type type;
  std::string_view fallback;  ///< what it is if nobody sets it, as it would be written; empty: not set
  std::string_view summary;
  std::string_view fallback_of_run = {};  ///< where `millrace run` has another one
  std::string_view known_variable = {};   ///< a variable of another program that is heeded if ours is not set

  std::string flag() const;
  std::string variable() const;
  std::string_view value_name() const;  ///< for help: "ADDR:PORT"
  bool is_secret() const { return type == Type::headers || type == Type::store || type == Type::broker; }
  std::string shown(const std::string& text) const;  ///< its value, without what is secret of it
};

/// All of them, in the order in which they are documented. docs/configuration.md is made from this.
std::span<const Setting> settings();

/// Where a value comes from; a later one goes before an earlier one.
enum class Origin { fallback, file, environment, flag };
std::string_view to_string(Origin origin);

struct Value {
  std::string text;
  Origin origin = Origin::fallback;
};
using Values = std::map<std::string, Value, std::less<>>;  ///< by name, each setting once

enum class Command { serve, run };

/// The values that hold: what was given, the environment, the file, the fallbacks. Error::invalid names the place and
/// the setting of the first value that cannot be.
Result<Values> resolve(Command command, const Given& given);

/// The values as options; they are valid.
ServeOptions options_of(const Values& values);

/// docs/configuration.md.
std::string settings_document();

}  // namespace millrace::app
