#pragma once

#include "credentials/component_keys.hpp"
#include "credentials/oauth2/refresher.hpp"
#include "flow/plan.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// `…/credential` of a worker's step. GET: the login of the credential that the step names (component::Login), with
/// `?refused=GENERATION` after its service has not taken one. PUT `{"keys": {…}}`: what the step's component has got
/// anew for it; 204 once it is on stable storage. 404: the step names none, or it is not there; 400: a key is not the
/// component's; 409: a person has set it meanwhile.
void answer_credential(credentials::oauth2::Refresher& logins, credentials::ComponentKeys& keys,
                       const flow::WorkerPlan& worker, const io::posix::HttpRequest& request,
                       const io::posix::Respond& respond);

constexpr std::uint64_t keys_size_max = 256u << 10;

}  // namespace millrace::api
