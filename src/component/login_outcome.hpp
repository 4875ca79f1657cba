#pragma once

#include "component/action.hpp"

namespace millrace::component {

/// What a message comes to whose step has no login now: it is tried again later, for its credential can be mended while
/// it waits. Codes: credential.missing, credential.authorization_needed, credential.invalid, credential.unavailable.
Outcome outcome_without_login(const Error& error);

}  // namespace millrace::component
