#pragma once

#include <string>
#include <string_view>

namespace millrace::component {

/// With this header a message of an elastic.io component says that its body is an object of the object storage.
inline constexpr std::string_view reference_header = "x-ipaas-object-storage-id";

/// The object's id, if these JSON texts are body and headers of such a message: {} and the header; otherwise empty.
std::string reference_in(std::string_view body, std::string_view headers);

}  // namespace millrace::component
