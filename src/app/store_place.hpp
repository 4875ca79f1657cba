#pragma once

#include <memory>
#include <string>

#include "app/data_folder.hpp"
#include "core/result.hpp"
#include "io/loop.hpp"
#include "store/store.hpp"

namespace millrace::app {

/// The store that belongs to a data folder: its own file, or the PostgreSQL database that the setting `store` names.
/// A folder that has begun with the one is not opened with the other, for then its flows would seem to be gone: that
/// is an Error::conflict, which says what to do. `url`: empty for the file.
///
/// `wait`: until PostgreSQL can be reached, with a line of the log for each try. Otherwise that is Error::unavailable.
enum class StoreWait { none, until_reached };
Result<std::unique_ptr<store::Store>> open_store(io::Offload& offload, const DataFolder& folder, const std::string& url,
                                                 StoreWait wait, store::Sharing sharing = store::Sharing::alone);
/// The same for a command on a folder without a platform: the environment says where (MILLRACE_STORE).
Result<std::unique_ptr<store::Store>> open_idle_store(io::Offload& offload, const DataFolder& folder);

/// What is wrong with such a URL, in words that do not repeat it; empty if nothing is.
std::string fault_of_store_url(const std::string& url);
/// The URL for people: without its password.
std::string without_password(const std::string& url);

}  // namespace millrace::app
