#pragma once

#include <memory>

#include "api/worker_objects.hpp"
#include "app/data_folder.hpp"
#include "deployment/deployed.hpp"
#include "io/posix/disk.hpp"
#include "io/posix/loop.hpp"
#include "objects/keys.hpp"
#include "objects/objects.hpp"

namespace millrace::app {

/// The object storage of a platform: its folder, its secret (made at the first start), and the thread that works on it,
/// which also removes what is over. Thread: the loop's, which outlives it as `deployed` does.
class ObjectParts {
 public:
  static Result<std::unique_ptr<ObjectParts>> open(io::posix::AsioLoop& loop, const DataFolder& folder,
                                                   objects::Limits limits, const deployment::Deployed& deployed);
  ~ObjectParts();
  ObjectParts(const ObjectParts&) = delete;
  ObjectParts& operator=(const ObjectParts&) = delete;

  api::WorkerObjects& door() { return door_; }

 private:
  ObjectParts(io::posix::AsioLoop& loop, std::unique_ptr<io::posix::PosixDisk> disk,
              std::unique_ptr<objects::Objects> objects, std::string secret, const deployment::Deployed& deployed);
  void prune();

  io::posix::AsioLoop& loop_;
  std::unique_ptr<io::posix::PosixDisk> disk_;
  std::unique_ptr<objects::Objects> objects_;
  objects::Keys keys_;
  io::posix::ThreadOffload offload_;  ///< its thread ends before what it works on
  api::WorkerObjects door_;
  io::TimerId timer_ = 0;
};

}  // namespace millrace::app
