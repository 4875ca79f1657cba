#include "hosting/sailor/startup_data.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/platform_request.hpp"

namespace millrace::hosting::sailor {
namespace json = boost::json;
using component::PlatformAnswer;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::Respond;

namespace {

constexpr std::chrono::seconds patience{10};

HttpResponse error(int status, std::string_view why) {
  return {status, "application/json", json::serialize(json::object{{"error", why}})};
}

HttpResponse response_of(const Result<PlatformAnswer>& answer) {
  if (!answer) return error(503, "the platform does not answer: " + answer.error().message);
  switch (answer->status) {
    case 200:
      return {200, "application/json", answer->body};
    case 201:
    case 204:
      return {200, "application/json", "{}"};
    case 409:
      return error(409, "there is startup data already");
    default:
      return error(answer->status, fmt::format("the platform answered {}", answer->status));
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
    if (request.method != "DELETE") return respond(error(405, "a trigger that shuts down leaves nothing"));
    respond({200, "application/json", "{}"});
    over();
  };
}

}  // namespace millrace::hosting::sailor
