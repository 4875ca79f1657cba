#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "store/store.hpp"

namespace millrace::app {

/// Where the store has no token yet: makes one for everything and writes it to `file`, readable by its owner only,
/// before it is valid. Whether it did.
Result<bool> first_token(store::Store& store, const std::string& file, std::int64_t now);

}  // namespace millrace::app
