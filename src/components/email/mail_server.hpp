#pragma once

#include "component/config.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

/// How a mail server is reached and logged in to, from the config of email.send: a MailCall that has no mail yet.
/// Error::invalid and not_found name the field.
Result<io::MailCall> read_mail_server(const component::Config& config);

}  // namespace millrace::components
