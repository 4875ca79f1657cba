#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "component/action.hpp"
#include "installed/component_file.hpp"

namespace millrace::installed {

/// How a component came here; kept beside its files in `.millrace.json`.
struct Record {
  std::string source;        ///< as it was asked for: "npm:petstore@1.2.0", "/src/petstore", "image:acme/petstore:3"
  std::string version = {};  ///< by package.json or component.json; may be empty
  std::string image = {};    ///< its containers' image; empty: it runs from its folder
  std::string image_folder = {};                                      ///< where it is in that image
  std::int64_t installed_at = 0;                                      ///< ms since the Unix epoch
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< for its programs, beyond the contract
};

/// One component below DATA/components: its own files as they were published, and ours in `.millrace.json`.
struct Installation {
  std::string name;    ///< what flows call it
  std::string folder;  ///< absolute
  Record record;
  ComponentFile file;

  /// What a person should know who uses it: odd things in component.json, variables that are needed and not set.
  std::vector<std::string> notes() const;
};

/// Reads what stands in the folder. Error as of read_component_file; not_found if it was not installed by us.
Result<Installation> read_installation(const std::string& name, const std::string& folder);
Status write_record(const std::string& folder, const Record& record);

/// Its triggers and actions as descriptors with the program or image that does their work. A trigger has beside its own
/// fields those of its kind: the schedule (timer.tick's) if it polls, path and authentication (webhook.receive's) if it
/// is a webhook; of one name, the platform's field stands.
std::vector<component::Function> functions_of(const Installation& installation);

}  // namespace millrace::installed
