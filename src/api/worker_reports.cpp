#include "api/worker_reports.hpp"

#include "component/outbox.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

using io::posix::HttpRequest;
using io::posix::problem;
using io::posix::Respond;

void take_presence(const WorkerReports& reports, const HttpRequest& request, const flow::WorkerPlan& worker,
                   const std::string& user, const Respond& respond) {
  if (request.method != "POST") return respond(problem(405, "Method not allowed", "a presence can only be sent"));
  const auto presence = component::Presence::from_json(request.body);
  if (!presence) return respond(problem(presence.error()));
  reports.presence(user, worker, *presence);
  respond({204, {}, {}, {}});
}

void take_snapshot(const WorkerReports& reports, HttpRequest& request, const flow::WorkerPlan& worker,
                   const Respond& respond) {
  if (request.method != "PUT") return respond(problem(405, "Method not allowed", "a snapshot can only be put"));
  if (request.body.empty()) return respond(problem(400, "Bad request", "a snapshot is JSON text; this is empty"));
  reports.save_snapshot(worker, std::move(request.body), [respond](const Status& kept) {
    if (kept) return respond({204, {}, {}, {}});
    respond(problem(503, "Service unavailable", kept.error().message));
  });
}

}  // namespace

std::optional<std::uint64_t> report_size_max(std::string_view part) {
  if (part == "presence") return 4u << 10;
  if (part == "snapshot") return component::message_size_max;
  return std::nullopt;
}

void take_report(const WorkerReports& reports, std::string_view part, HttpRequest& request,
                 const flow::WorkerPlan& worker, const std::string& user, const Respond& respond) {
  const bool taken = part == "presence" ? bool(reports.presence) : bool(reports.save_snapshot);
  if (!taken) {
    return respond(
        problem(404, "Not found", "this platform's broker knows that by itself; nothing is at " + request.path));
  }
  if (part == "presence") return take_presence(reports, request, worker, user, respond);
  take_snapshot(reports, request, worker, respond);
}

}  // namespace millrace::api
