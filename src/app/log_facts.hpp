#pragma once

#include <string>

#include "api/broker_facts.hpp"
#include "broker/broker.hpp"
#include "io/posix/disk.hpp"

namespace millrace::app {

/// What is to be told of the log of the virtual host `name`.
api::LogFacts log_facts(const std::string& name, const io::posix::PosixDisk& disk, const broker::Broker& broker);

}  // namespace millrace::app
