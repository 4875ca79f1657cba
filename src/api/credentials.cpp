#include "store/credentials.hpp"

#include <map>

#include <fmt/format.h>

#include "api/precondition.hpp"
#include "api/responses.hpp"
#include "api/services.hpp"
#include "credentials/book.hpp"
#include "flow/draft.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using credentials::Credential;
using io::posix::HttpResponse;
using io::posix::problem;
using Uses = std::vector<store::CredentialUse>;

json::object credential_json(const Credential& credential, const Uses& uses) {
  auto object = credentials::to_json(credential);
  json::array used_by;
  for (const auto& use : uses) {
    if (use.credential != credential.name) continue;
    used_by.push_back(json::object{{"flow", use.flow}, {"version", use.version}, {"step", use.step}});
  }
  object["used_by"] = std::move(used_by);
  return object;
}

HttpResponse response_of(const Credential& credential, const Uses& uses, int status) {
  auto response = json_response(status, credential_json(credential, uses));
  response.headers.emplace_back("ETag", etag_of(credential.revision));
  return response;
}

HttpResponse missing(const std::string& name) {
  return problem(404, "Not found", fmt::format("there is no credential {}", name));
}

/// Asks who uses credentials (one, or all if `name` is empty), and answers with it.
void with_uses(const Services& services, const std::string& name, const io::posix::Respond& respond,
               const std::function<HttpResponse(const Uses&)>& answer) {
  services.store.run<Uses>(
      [name](store::Database& database) { return store::Credentials(database).uses(name); },
      [respond, answer](const Result<Uses>& uses) { respond(uses ? answer(*uses) : problem(uses.error())); });
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  with_uses(services, "", call.respond,
            [&shelf = services.shelf, after = call.asked("cursor"), limit = *limit](const Uses& uses) {
              json::array items;
              std::string next;
              for (const auto* credential : shelf.after(after)) {
                if (static_cast<std::int64_t>(items.size()) == limit) {
                  next = std::string(items.back().at("name").as_string());
                  break;
                }
                items.push_back(credential_json(*credential, uses));
              }
              return page(std::move(items), next);
            });
}

void show(const Services& services, const Call& call) {
  with_uses(services, call.path[0], call.respond, [&shelf = services.shelf, name = call.path[0]](const Uses& uses) {
    const auto* credential = shelf.find(name);
    return credential == nullptr ? missing(name) : response_of(*credential, uses, 200);
  });
}

void put(const Services& services, const Call& call) {
  const auto& name = call.path[0];
  if (!flow::is_credential_name(name)) {
    return call.respond(
        problem(400, "Bad request", "a credential's name has lower-case letters, digits, - and _, at most 63"));
  }
  const auto definition = credentials::read_definition(call.body, &services.catalogue);
  if (!definition) return call.respond(problem(definition.error()));
  const auto precondition = precondition_of(call.request);
  if (!precondition) return call.respond(problem(precondition.error()));
  if (services.shelf.find(name) != nullptr && !precondition->given) {
    return call.respond(problem(428, "Precondition required", "say with If-Match which revision this replaces"));
  }
  const auto expected = precondition->given ? precondition->revision : std::optional<std::int64_t>(0);
  services.shelf.put(name, *definition, {call.caller.who, services.now()}, expected,
                     [services, name, respond = call.respond](const Result<Credential>& set) {
                       if (!set) return respond(problem(set.error()));
                       services.logins.forget(name);
                       with_uses(services, name, respond, [set = *set](const Uses& uses) {
                         return response_of(set, uses, set.revision == 1 ? 201 : 200);
                       });
                     });
}

void remove(const Services& services, const Call& call) {
  services.shelf.remove(call.path[0], {call.caller.who, services.now()}, [respond = call.respond](const Status& gone) {
    respond(gone ? HttpResponse{204, "", "", {}} : problem(gone.error()));
  });
}

void authorize(const Services& services, const Call& call) {
  using Begun = credentials::oauth2::Visits::Begun;
  services.visits.begin(
      call.path[0], services.redirect_url(), call.caller.who, [respond = call.respond](const Result<Begun>& begun) {
        if (!begun) return respond(problem(begun.error()));
        auto response = json_response(200, json::object{{"authorization_url", begun->authorization_url},
                                                        {"redirect_url", begun->redirect_url},
                                                        {"expires_at", begun->expires_at}});
        response.headers.emplace_back("Cache-Control", "no-store");
        respond(std::move(response));
      });
}

}  // namespace

void add_credential_operations(Operations& operations, const Services& services) {
  constexpr std::uint64_t definition_size_max = 256u << 10;
  const auto add = [&](const char* method, const char* path, auto what, std::vector<std::string_view> query) {
    operations.push_back({method, path, Scope::credentials,
                          [services, what](const Call& call) { what(services, call); }, Operation::Body::none,
                          std::move(query), 0});
  };
  add("GET", "/v1/credentials", list, {"cursor", "limit"});
  add("GET", "/v1/credentials/{credential}", show, {});
  add("PUT", "/v1/credentials/{credential}", put, {});
  operations.back().body = Operation::Body::json;
  operations.back().body_max = definition_size_max;
  add("DELETE", "/v1/credentials/{credential}", remove, {});
  add("POST", "/v1/credentials/{credential}/authorize", authorize, {});
  operations.back().keeps_answer = false;  // its address is good once
}

}  // namespace millrace::api
