#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "orchestrator/driver/docker/container_spec.hpp"
#include "orchestrator/driver/docker/engine.hpp"
#include "orchestrator/driver/docker/registry_logins.hpp"

namespace millrace::orchestrator::docker {

/// The images of an engine. One that is not there is pulled, once however many ask for it, unless its name has neither
/// registry nor account: such a name would mean a stranger's image. One that is there is taken as it is. A pull carries
/// the login that there is for its registry. The engine outlives it.
class Images {
 public:
  using Found = std::function<void(Result<Image>)>;
  Images(Engine& engine, RegistryLogins logins) : engine_(engine), logins_(std::move(logins)) {}

  /// `api`: Ground::api. Error::not_found if the image is neither there nor to be had.
  void find(const std::string& api, const std::string& name, Found found);
  /// The same without pulling.
  void look(const std::string& api, const std::string& name, Found found);

 private:
  void pull(const std::string& api, const std::string& name);

  Engine& engine_;
  RegistryLogins logins_;
  std::map<std::string, std::vector<Found>> pulls_;
};

/// The query of a pull: "fromImage=…&tag=…", with the tag "latest" where there is none: without a tag an engine would
/// fetch all of them.
std::string pull_query(std::string_view image);

}  // namespace millrace::orchestrator::docker
