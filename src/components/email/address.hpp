#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace millrace::components {

/// A mail address with the name shown for it.
struct Address {
  std::string name;  ///< UTF-8; may be empty
  std::string mailbox;

  /// As it stands in a header: the name quoted or as encoded words.
  std::string header_text() const;
};

/// Reads "a@example.com", "Ann <a@example.com>" and lists of these with commas between them. Error::invalid names the
/// address; line breaks are such an error. An address may hold UTF-8, which only servers with SMTPUTF8 (RFC 6531) take.
Result<std::vector<Address>> parse_addresses(std::string_view text);

/// Unstructured header text (RFC 5322 §2.2.1): as it is, or as encoded words (RFC 2047) where it is not short ASCII.
/// The caller has made sure that there is no line break in it.
std::string header_text(std::string_view utf8);

}  // namespace millrace::components
