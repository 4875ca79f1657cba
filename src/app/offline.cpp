#include "app/offline.hpp"

#include "api/broker_dead_letters.hpp"
#include "app/data_folder.hpp"
#include "broker/broker.hpp"
#include "io/posix/disk.hpp"

namespace millrace::app {

Status with_data_folder(const std::string& path, const OfflineWork& work) {
  auto folder = DataFolder::open(path, DataFolder::Missing::fail);
  if (!folder) return folder.error();
  auto disk = io::posix::PosixDisk::open(folder->broker_folder());
  if (!disk) return disk.error();
  io::posix::AsioLoop loop;
  io::posix::ThreadOffload offload(loop);
  auto broker = broker::Broker::open(loop, **disk, offload, {});
  if (!broker) return broker.error();
  api::BrokerDeadLetters letters(**broker, (*broker)->begin_session());
  Status done = work(letters, loop);
  (*broker)->close([&](const Status& closed) {
    if (done && !closed) done = closed.error();
    loop.stop();
  });
  loop.run();
  return done;
}

}  // namespace millrace::app
