#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::orchestrator::docker {

/// The registry that an image's name means: "registry.example.com:5000", or "docker.io" where it names none
/// (https://github.com/distribution/reference).
std::string registry_of(std::string_view image);

/// Logins of registries as `docker login` keeps them: config.json in a folder
/// (https://docs.docker.com/reference/cli/docker/login/). Read anew each time, so that a login counts at once.
class RegistryLogins {
 public:
  /// `folder`: empty, or one without a config.json: there are none.
  explicit RegistryLogins(std::string folder);

  /// X-Registry-Auth for a pull of this image (https://docs.docker.com/engine/api/v1.41/#section/Authentication); empty
  /// without a login for its registry. Error::invalid: the file cannot be read; unsupported: it leaves the login to a
  /// program (credsStore, credHelpers). Both name the file.
  Result<std::string> header_for(std::string_view image) const;
  /// "config.json in FOLDER", or how to name one.
  std::string place() const;

 private:
  std::string folder_;
};

}  // namespace millrace::orchestrator::docker
