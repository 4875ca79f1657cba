#pragma once

#include <functional>
#include <string>

#include "api/dead_letters.hpp"
#include "core/result.hpp"

namespace millrace::app {

/// Opens a data folder on which no platform runs, lets `work` use its dead letters, and closes it, synced.
/// Error::conflict if a platform runs after all.
Status with_data_folder(const std::string& path, const std::function<Status(api::DeadLetters&)>& work);

}  // namespace millrace::app
