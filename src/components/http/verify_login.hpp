#pragma once

#include <functional>
#include <memory>

#include "component/action.hpp"

namespace millrace::components {

/// Verification of what speaks HTTP: one GET of the config's url with the login of the credential. 401, 403 and 407 are
/// a refusal, 5xx says nothing good either; any other answer is one to a login that was not refused. A url that depends
/// on the message cannot be tried: Error::invalid.
Result<std::unique_ptr<component::Verification>> verify_http_login(const component::Descriptor& descriptor,
                                                                   const boost::json::object& config,
                                                                   component::Services& services,
                                                                   std::function<void(Status)> done);

}  // namespace millrace::components
