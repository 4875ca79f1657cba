#pragma once

#include <span>
#include <string_view>

namespace millrace::store {

/// What the store's tables are made by, in order; the number of those that were applied is the store's version. A
/// migration that has been released is never changed: the next one changes what it made. In them two words differ by
/// database: SERIAL_KEY (a primary key that counts up by itself) and BYTES (a column of bytes).
std::span<const std::string_view> migrations();

}  // namespace millrace::store
