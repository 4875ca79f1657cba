#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/broker.hpp"

namespace millrace::simulation {

/// What lies on which queue, in order of delivery, by the ids with which the bodies begin.
using Content = std::map<std::string, std::vector<std::string>>;

Content content_of(const broker::Broker& broker);

}  // namespace millrace::simulation
