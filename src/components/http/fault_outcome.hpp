#pragma once

#include <string>
#include <string_view>

#include "component/action.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

/// What a transfer that came to nothing means for its message: what may pass (refused, timeout, no such host, TLS, the
/// mail server's 4xx and a refused login) is tried again later; what is wrong with the message itself is a dead letter.
/// Codes are "<family>.<why>", e.g. "http.timeout"; `target` says what was tried.
component::Outcome outcome_of_fault(const io::TransferFault& fault, std::string_view family, std::string_view target);

}  // namespace millrace::components
