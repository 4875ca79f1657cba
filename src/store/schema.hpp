#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::store {

/// What the store's tables are made by, in order; the number of those that were applied is the store's version. A
/// migration that has been released is never changed: the next one changes what it made. In them two words differ by
/// database: SERIAL_KEY (a primary key that counts up by itself) and BYTES (a column of bytes).
std::span<const std::string_view> migrations();

/// A migration in one database's words: each `first` is written as its `second`.
std::string spelled(std::string_view migration,
                    std::initializer_list<std::pair<std::string_view, std::string_view>> words);

}  // namespace millrace::store
