#include <charconv>

#include "api/precondition.hpp"
#include "api/responses.hpp"
#include "api/services.hpp"
#include "deployment/credential_check.hpp"
#include "flow/document.hpp"
#include "flow/draft.hpp"
#include "flow/source.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;

HttpResponse draft_response(const store::FlowRecord& record, int status, const Services& services) {
  json::array problems;
  const auto checked =
      deployment::check(record.name, record.draft, services.catalogue, services.variables, services.running);
  const auto found = checked
                         ? deployment::credential_problems(deployment::known_credentials(services.shelf),
                                                           deployment::credential_needs(*checked, services.catalogue))
                         : checked.error();
  for (const auto& one : found) problems.push_back(problem_json(one));
  auto response = json_response(status, json::object{{"flow", record.name},
                                                     {"revision", record.revision},
                                                     {"text", record.draft},
                                                     {"saved_by", record.saved_by},
                                                     {"saved_at", record.saved_at},
                                                     {"problems", std::move(problems)}});
  response.headers.emplace_back("ETag", etag_of(record.revision));
  return response;
}

void show(const Services& services, const Call& call) {
  services.store.run<store::FlowRecord>(
      [name = call.path[0]](store::Database& database) { return store::Flows(database).find(name); },
      [services, respond = call.respond](const Result<store::FlowRecord>& flow) {
        respond(flow ? draft_response(*flow, 200, services) : problem(flow.error()));
      });
}

Result<store::FlowRecord> save(store::Database& database, const store::Flows::Draft& draft,
                               const Precondition& precondition) {
  store::Flows flows(database);
  const auto known = flows.find(draft.name);
  if (!known && known.error().kind != Error::Kind::not_found) return known.error();
  if (known && !precondition.given) {
    return Error{Error::Kind::limit, "say with If-Match which revision of the draft this replaces"};
  }
  const auto saved = flows.save(draft, precondition.given ? precondition.revision : std::optional<std::int64_t>(0));
  if (!saved) return saved.error();
  const auto written =
      store::Audit(database).write({0, draft.at, draft.who, "flow.save", "flow/" + draft.name,
                                    known ? "revision " + std::to_string(known->revision) : std::string(),
                                    "revision " + std::to_string(saved->revision)});
  if (!written) return written.error();
  return *saved;
}

void put(const Services& services, const Call& call) {
  const auto& name = call.path[0];
  if (!flow::is_flow_name(name)) {
    return call.respond(problem(400, "Bad request", "a flow's name has lower-case letters, digits and -, at most 63"));
  }
  if (call.request.body.empty()) return call.respond(problem(400, "Bad request", "send the flow as the body"));
  if (flow::first_unreadable(call.request.body) != std::string_view::npos) {
    return call.respond(problem(400, "Bad request", "the flow is not text in UTF-8"));
  }
  const auto precondition = precondition_of(call.request);
  if (!precondition) return call.respond(problem(precondition.error()));
  const store::Flows::Draft draft{name, call.request.body, call.caller.who, "api", services.now()};
  services.store.run<store::FlowRecord>(
      [draft, precondition = *precondition](store::Database& database) { return save(database, draft, precondition); },
      [services, respond = call.respond](const Result<store::FlowRecord>& saved) {
        if (saved) return respond(draft_response(*saved, saved->revision == 1 ? 201 : 200, services));
        const bool needed = saved.error().kind == Error::Kind::limit;
        respond(needed ? problem(428, "Precondition required", saved.error().message) : problem(saved.error()));
      });
}

}  // namespace

json::object problem_json(const flow::Problem& problem) {
  return {{"line", problem.at.line},
          {"column", problem.at.column},
          {"field", problem.field},
          {"message", problem.message},
          {"mend", problem.mend}};
}

Result<Precondition> precondition_of(const HttpRequest& request) {
  if (request.header("if-none-match") == "*") return Precondition{true, 0};
  auto tag = request.header("if-match");
  if (tag.empty()) return Precondition{};
  if (tag == "*") return Precondition{true, std::nullopt};
  std::int64_t revision = 0;
  const bool quoted = tag.size() > 2 && tag.front() == '"' && tag.back() == '"';
  if (quoted) tag = tag.substr(1, tag.size() - 2);
  const auto [stopped, failed] = std::from_chars(tag.data(), tag.data() + tag.size(), revision);
  if (!quoted || failed != std::errc() || stopped != tag.data() + tag.size() || revision < 1) {
    return Error{Error::Kind::stale, "If-Match does not name a revision of this draft"};
  }
  return Precondition{true, revision};
}

void add_draft_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/flows/{flow}/draft",
                        Scope::flows_read,
                        [services](const Call& call) { show(services, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"PUT",
                        "/v1/flows/{flow}/draft",
                        Scope::flows_write,
                        [services](const Call& call) { put(services, call); },
                        Operation::Body::flow_document,
                        {},
                        flow::file_size_max});
}

}  // namespace millrace::api
