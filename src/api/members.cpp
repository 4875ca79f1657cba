#include "api/responses.hpp"
#include "api/services.hpp"

namespace millrace::api {

void add_member_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/members",
                        Scope::flows_read,
                        [services](const Call& call) { call.respond(page(services.members(), "")); },
                        Operation::Body::none,
                        {},
                        0});
}

}  // namespace millrace::api
