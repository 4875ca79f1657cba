#include "app/log_facts.hpp"

namespace millrace::app {

api::LogFacts log_facts(const std::string& name, const io::posix::PosixDisk& disk, const broker::Broker& broker) {
  const auto usage = disk.usage();
  const auto free = disk.free_space();
  return {name, usage.files, usage.bytes, free ? *free : 0, broker.storage(), &disk.sync_times()};
}

}  // namespace millrace::app
