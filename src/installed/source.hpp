#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::installed {

/// Where a component is taken from: "npm:NAME[@VERSION]" (whatever `npm pack` understands), "image:REF", or the path of
/// its folder.
struct Source {
  enum class Kind { folder, npm, image };
  Kind kind = Kind::folder;
  std::string what;  ///< path, name and version, or image

  /// As it was asked for.
  std::string text() const;
  /// Error::invalid for one that is empty, a path that is not absolute, and what a command would take for an option.
  static Result<Source> parse(std::string_view text);
};

/// What flows may call a component, made from the name of a package, image or folder: without scope, tag and registry,
/// without "elasticio-" before and "-component", "-nodejs" behind; lower case, letters, digits, - and _. May be empty.
std::string component_name(std::string_view package);
/// [a-z0-9][a-z0-9_-]*, at most 63 characters.
bool is_component_name(std::string_view name);

}  // namespace millrace::installed
