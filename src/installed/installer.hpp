#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "installed/components.hpp"
#include "installed/image_files.hpp"
#include "installed/source.hpp"
#include "io/posix/loop.hpp"

namespace millrace::installed {

/// What shall be installed, and how.
struct Order {
  Source source;
  std::string name = {};  ///< what flows shall call it; empty: made from its package's or folder's name
  bool replace = false;   ///< a component of that name goes
  bool scripts = false;   ///< packages may run their install scripts, which run as whoever runs Millrace
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< Record::environment
};

/// Installs components: fetches the files into a staging folder, checks component.json, has npm install its packages
/// (what its lock file says, if it has one; without install scripts unless they are ordered), builds it with its own
/// TypeScript compiler if its code is not there, checks again, and puts it in place in one step. Whatever fails leaves
/// the data folder as it was, and the error shows npm's own words. Several may be installed at once.
///
/// Of an image, the files of its working directory are taken. One whose entry point is millrace is the image of the
/// component's workers from then on; the files of any other run like those of a folder.
///
/// Thread: the loop's; files are copied elsewhere. Destroying it ends what it has begun. All it is given outlives it.
class Installer {
 public:
  /// What it is doing, in words: "copying", "installing packages".
  using Told = std::function<void(std::string_view stage)>;
  using Finished = std::function<void(Result<const Installation*>)>;

  Installer(io::posix::AsioLoop& loop, Components& components, EngineSettings engine);
  ~Installer();
  Installer(const Installer&) = delete;
  Installer& operator=(const Installer&) = delete;

  /// `finished` is called once, never from inside this call.
  void install(Order order, Told told, Finished finished);
  /// Takes a component away and deletes its files in the background.
  Status remove(const std::string& name);

 private:
  class Run;
  io::Offload& offload();

  io::posix::AsioLoop& loop_;
  Components& components_;
  ImageFiles images_;
  std::map<std::uint64_t, std::shared_ptr<Run>> runs_;
  std::uint64_t last_run_ = 0;
  std::optional<io::posix::ThreadOffload> offload_;  ///< from the first use on
};

}  // namespace millrace::installed
