#include "api/worker_credentials.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

using io::posix::HttpRequest;
using io::posix::problem;
using io::posix::Respond;

void tell_login(credentials::oauth2::Refresher& logins, const std::string& name, std::string_view query,
                const Respond& respond) {
  constexpr std::string_view parameter = "refused=";
  const std::string refused(query.starts_with(parameter) ? query.substr(parameter.size()) : "");
  logins.login(name, refused, [respond](const Result<component::Login>& login) {
    if (!login) return respond(problem(login.error()));
    respond({200, "application/json", login->to_json(), {{"Cache-Control", "no-store"}}});
  });
}

void take_keys(credentials::ComponentKeys& keys, const flow::WorkerPlan& worker, const HttpRequest& request,
               const Respond& respond) {
  boost::system::error_code failed;
  const auto body = boost::json::parse(request.body, failed);
  const auto* object = failed ? nullptr : body.if_object();
  const auto* given = object == nullptr ? nullptr : object->if_contains("keys");
  if (given == nullptr || !given->is_object()) {
    return respond(problem(400, "Bad request", "the body must be {\"keys\": {…}}"));
  }
  keys.take(worker.settings.credential, worker.component, given->get_object(),
            fmt::format("step {}.{}", worker.flow, worker.step), [respond](const Status& taken) {
              taken ? respond({204, {}, {}, {}}) : respond(problem(taken.error()));
            });
}

}  // namespace

void answer_credential(credentials::oauth2::Refresher& logins, credentials::ComponentKeys& keys,
                       const flow::WorkerPlan& worker, const HttpRequest& request, const Respond& respond) {
  const auto& name = worker.settings.credential;
  const bool reads = request.method == "GET";
  if (!reads && request.method != "PUT") {
    return respond(problem(405, "Method not allowed", "a login can be read, its keys be put"));
  }
  if (name.empty()) return respond(problem(404, "Not found", "this step names no credential"));
  reads ? tell_login(logins, name, request.query, respond) : take_keys(keys, worker, request, respond);
}

}  // namespace millrace::api
