#pragma once

#include <string>

#include "component/action.hpp"
#include "installed/components.hpp"

namespace millrace::app {

/// The triggers and actions that a command knows: Millrace's own, and those of the components that are installed in a
/// data folder. Reads only; the folder need not be there.
class KnownComponents {
 public:
  /// Without a folder only Millrace's own.
  explicit KnownComponents(const std::string& data_folder = {});
  KnownComponents(const KnownComponents&) = delete;
  KnownComponents& operator=(const KnownComponents&) = delete;

  component::Catalogue& catalogue() { return catalogue_; }
  installed::Components& installed() { return installed_; }
  /// A line on stderr for each component that cannot be used, and why.
  void complain() const;

 private:
  component::Catalogue catalogue_;
  installed::Components installed_;
};

}  // namespace millrace::app
