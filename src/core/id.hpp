#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace millrace {

/// A fresh random id in UUID form (version 4, RFC 9562 §5.4): 36 characters.
std::string random_id();

/// An id that is the same whenever it is made from the same parts: BLAKE2b-128 over the parts, each preceded by its
/// length, written as a UUID of version 8 (RFC 9562 §5.8). With these a repeat is recognisable downstream.
std::string derived_id(std::initializer_list<std::string_view> parts);

/// The id of the `index`th message that `step` makes from the message `parent`.
std::string child_message_id(std::string_view parent, std::string_view step, std::uint64_t index);

/// `bytes` random bytes as lower-case hex: passwords and tokens of workers.
std::string random_token(std::size_t bytes = 24);

}  // namespace millrace
