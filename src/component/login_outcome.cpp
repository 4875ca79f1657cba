#include "component/login_outcome.hpp"

namespace millrace::component {

Outcome outcome_without_login(const Error& error) {
  const char* code = "credential.unavailable";
  if (error.kind == Error::Kind::not_found) code = "credential.missing";
  if (error.kind == Error::Kind::permission) code = "credential.authorization_needed";
  if (error.kind == Error::Kind::invalid) code = "credential.invalid";
  return Outcome::later({code, error.message});
}

}  // namespace millrace::component
