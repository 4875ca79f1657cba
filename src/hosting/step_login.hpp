#pragma once

#include "component/credential.hpp"

namespace millrace::hosting {

/// The credential of a step whose program runs.
struct StepLogin {
  component::CredentialSource& source;
  component::Login login;  ///< what the program was started with
};

}  // namespace millrace::hosting
