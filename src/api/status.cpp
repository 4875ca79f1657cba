#include "api/responses.hpp"
#include "api/services.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;

void workers(const Services& services, const Call& call) {
  const auto flow = call.asked("flow");
  json::array items;
  for (auto& worker : services.workers()) {
    if (flow.empty() || worker.at("flow").as_string() == flow) items.push_back(std::move(worker));
  }
  call.respond(page(std::move(items), ""));
}

}  // namespace

void add_status_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/status",
                        Scope::flows_read,
                        [services](const Call& call) { call.respond(json_response(200, services.status())); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"GET",
                        "/v1/events",
                        Scope::operate,
                        [services](const Call& call) {
                          const auto header = call.request.header("last-event-id");
                          call.respond(services.events.follow(call.asked("flow"), std::string(header)));
                        },
                        Operation::Body::none,
                        {"flow"},
                        0});
  operations.push_back({"GET",
                        "/v1/workers",
                        Scope::flows_read,
                        [services](const Call& call) { workers(services, call); },
                        Operation::Body::none,
                        {"flow"},
                        0});
}

}  // namespace millrace::api
