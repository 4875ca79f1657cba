#include "hosting/sailor/startup_data.hpp"

#include <fmt/format.h>

#include "component/platform_request.hpp"
#include "hosting/sailor/api_error.hpp"

namespace millrace::hosting::sailor {
using component::PlatformAnswer;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::Respond;

namespace {

constexpr std::chrono::seconds patience{10};

HttpResponse response_of(const Result<PlatformAnswer>& answer) {
  if (!answer) return api_error(503, "the platform does not answer: " + answer.error().message);
  switch (answer->status) {
    case 200:
      return {200, "application/json", answer->body};
    case 201:
    case 204:
      return {200, "application/json", "{}"};
    case 409:
      return api_error(409, "there is startup data already");
    default:
      return api_error(answer->status, fmt::format("the platform answered {}", answer->status));
  }
}

}  // namespace

std::string startup_data_path(const std::string& flow) {
  return "/sailor-support/hooks/task/" + flow + "/startup/data";
}

StartupData kept_by_platform(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment) {
  return [&loop, &environment](const HttpRequest& request, const Respond& respond) {
    // A hook that leaves nothing is one that has run all the same.
    auto body = request.method == "POST" && request.body.empty() ? "{}" : request.body;
    component::PlatformQuestion question{request.method, component::task_path(environment) + "/startup",
                                         std::move(body)};
    component::ask_platform(loop, environment, std::move(question), patience,
                            [respond](const Result<PlatformAnswer>& answer) { respond(response_of(answer)); });
  };
}

StartupData read_once(std::string data, std::function<void()> over) {
  return [data = std::move(data), over = std::move(over)](const HttpRequest& request, const Respond& respond) {
    if (request.method == "GET") return respond({200, "application/json", data});
    if (request.method != "DELETE") return respond(api_error(405, "a trigger that shuts down leaves nothing"));
    respond({200, "application/json", "{}"});
    over();
  };
}

}  // namespace millrace::hosting::sailor
