#include "api/worker_startups.hpp"

#include "component/json_document.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;

namespace {

HttpResponse data_response(std::string data) {
  return {200, "application/json", std::move(data), {{"Cache-Control", "no-store"}}};
}

}  // namespace

void answer_startup(deployment::Startups& startups, const flow::WorkerPlan& worker, const HttpRequest& request,
                    const Respond& respond) {
  if (request.method == "GET") {
    const auto* data = startups.find(worker);
    return respond(data == nullptr ? problem(404, "Not found", "there is no startup data") : data_response(*data));
  }
  if (request.method == "DELETE") {
    return startups.remove(worker, [respond](const Status& removed) {
      respond(removed ? HttpResponse{204, {}, {}} : problem(removed.error()));
    });
  }
  if (request.method != "POST") return respond(problem(405, "Method not allowed", "GET, POST and DELETE are known"));
  if (!component::parse_document(request.body)) {
    return respond(problem(400, "Bad request", "startup data must be JSON, at most 500 levels deep"));
  }
  startups.keep(worker, request.body, [respond](const Status& kept) {
    respond(kept ? HttpResponse{201, "application/json", "{}"} : problem(kept.error()));
  });
}

void begin_shutdown(deployment::Startups& startups, const flow::WorkerPlan& worker, const HttpRequest& request,
                    const Respond& respond) {
  if (request.method != "POST") return respond(problem(405, "Method not allowed", "POST begins a shutdown hook"));
  startups.begin_shutdown(worker, [respond](const Result<std::string>& data) {
    respond(data ? data_response(*data) : problem(data.error()));
  });
}

}  // namespace millrace::api
