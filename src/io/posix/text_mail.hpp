#pragma once

#include <string>

#include "io/transfers.hpp"

namespace millrace::io::posix {

/// A mail of one body and nothing beside it as a single-part message (RFC 5322, RFC 2045): header lines, an empty line,
/// and the text in 7bit where it is short ASCII lines, else in quoted-printable. Lines end with CR LF.
std::string text_mail(const std::vector<std::string>& headers, const MailPart& body);

}  // namespace millrace::io::posix
