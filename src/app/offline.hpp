#pragma once

#include <functional>
#include <string>

#include "api/dead_letters.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {

/// Answers of the dead letters come while the loop runs.
using OfflineWork = std::function<Status(api::DeadLetters& letters, io::posix::AsioLoop& loop)>;

/// Opens a data folder on which no platform runs, lets `work` use its dead letters, and closes it, synced.
/// Error::conflict if a platform runs after all.
Status with_data_folder(const std::string& path, const OfflineWork& work);

}  // namespace millrace::app
