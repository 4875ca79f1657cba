#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::installed {

/// A Docker Engine, in the form of DOCKER_HOST, the folder with the certificates for it (empty: no TLS), and the one
/// with Docker's config.json, where the logins of registries are (empty: none).
struct EngineSettings {
  std::string address = "unix:///var/run/docker.sock";
  std::string certificates = {};
  std::string config = {};
};

/// Gets the files of a component out of an image: those in its working directory. A container is made of the image for
/// that, never started, and removed. Thread: the loop's.
class ImageFiles {
 public:
  struct Fetched {
    std::string folder;      ///< in the image
    bool is_worker = false;  ///< its entry point is millrace: its containers can be workers
  };
  using Done = std::function<void(Result<Fetched>)>;

  ImageFiles(io::posix::AsioLoop& loop, EngineSettings settings);
  ~ImageFiles();

  /// Writes a tar file whose entries stand below the folder's own name. Pulls the image if it is not there and its name
  /// says from where. `done` is called once, on the loop.
  void fetch(const std::string& image, const std::string& tar_file, Done done);

 private:
  struct Engine;
  struct Fetching;

  io::posix::AsioLoop& loop_;
  EngineSettings settings_;
  std::unique_ptr<Engine> engine_;  ///< from the first use on
};

}  // namespace millrace::installed
