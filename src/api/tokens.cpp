#include "store/tokens.hpp"

#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;
using store::NewToken;
using store::Token;

constexpr std::size_t name_size_max = 100;

json::object token_json(const Token& token) {
  json::object object = {{"id", token.id},
                         {"name", token.name},
                         {"scopes", json::array(token.scopes.begin(), token.scopes.end())},
                         {"created_by", token.created_by},
                         {"created_at", token.created_at},
                         {"expires_at", nullptr}};
  if (token.expires_at) object["expires_at"] = *token.expires_at;
  return object;
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  using Tokens = std::vector<Token>;
  services.store.run<Tokens>([after = call.asked("cursor"), limit = *limit](
                                 store::Database& database) { return store::Tokens(database).list(after, limit); },
                             [respond = call.respond, limit = *limit](const Result<Tokens>& tokens) {
                               if (!tokens) return respond(problem(tokens.error()));
                               json::array items;
                               for (const auto& token : *tokens) items.push_back(token_json(token));
                               const bool full = static_cast<std::int64_t>(tokens->size()) == limit;
                               respond(page(std::move(items), full ? tokens->back().id : ""));
                             });
}

Error bad(std::string_view field, std::string_view wanted) {
  return {Error::Kind::invalid, fmt::format("\"{}\" must be {}", field, wanted)};
}

Status read_scopes(const json::value& value, Token& token) {
  const auto wrong = bad("scopes", "a list of flows:read, flows:write, operate, credentials, admin");
  if (!value.is_array() || value.get_array().empty()) return wrong;
  for (const auto& scope : value.get_array()) {
    if (!scope.is_string() || !scope_of(std::string_view(scope.get_string()))) return wrong;
    token.scopes.emplace_back(scope.get_string());
  }
  return Done{};
}

Result<Token> read(const Call& call, std::int64_t now) {
  Token token;
  for (const auto& [name, value] : call.body) {
    if (name == "name" && value.is_string()) {
      token.name = std::string(value.get_string());
    } else if (name == "scopes") {
      if (auto done = read_scopes(value, token); !done) return done.error();
    } else if (name == "expires_at") {
      if (value.is_null()) continue;
      if (!value.is_int64() || value.get_int64() <= now) return bad(name, "a time to come, in ms since the Unix epoch");
      token.expires_at = value.get_int64();
    } else {
      return bad(name, "left out: name, scopes and expires_at are known");
    }
  }
  const bool control = token.name.find_first_of("\r\n\t") != std::string::npos;
  if (token.name.empty() || token.name.size() > name_size_max || control) {
    return bad("name", "a text of one line, at most 100 bytes");
  }
  if (token.scopes.empty()) return bad("scopes", "a list of flows:read, flows:write, operate, credentials, admin");
  token.created_by = call.caller.who;
  token.created_at = now;
  return token;
}

Result<NewToken> create(store::Database& database, const Token& token) {
  auto made = store::Tokens(database).create(token);
  if (!made) {
    if (made.error().kind != Error::Kind::conflict) return made.error();
    return Error{Error::Kind::conflict, fmt::format("there is a token {} already", token.name)};
  }
  const auto written =
      store::Audit(database).write({0, token.created_at, token.created_by, "token.create", "token/" + token.name, "",
                                    fmt::format("{}", fmt::join(token.scopes, " "))});
  if (!written) return written.error();
  return made;
}

void post(const Services& services, const Call& call) {
  const auto token = read(call, services.now());
  if (!token) return call.respond(problem(token.error()));
  services.store.run<NewToken>([token = *token](store::Database& database) { return create(database, token); },
                               [respond = call.respond](const Result<NewToken>& made) {
                                 if (!made) return respond(problem(made.error()));
                                 auto body = token_json(made->token);
                                 body["token"] = made->text;
                                 auto response = json_response(201, body);
                                 response.headers.emplace_back("Location", "/v1/tokens/" + made->token.id);
                                 response.headers.emplace_back("Cache-Control", "no-store");
                                 respond(std::move(response));
                               });
}

Result<Token> remove(store::Database& database, const std::string& id, const deployment::Change& change) {
  auto gone = store::Tokens(database).remove(id);
  if (!gone) return gone.error();
  const auto written = store::Audit(database).write({0, change.at, change.who, "token.delete", "token/" + gone->name,
                                                     fmt::format("{}", fmt::join(gone->scopes, " ")), ""});
  if (!written) return written.error();
  return gone;
}

void erase(const Services& services, const Call& call) {
  services.store.run<Token>([id = call.path[0], change = services.change(call.caller)](
                                store::Database& database) { return remove(database, id, change); },
                            [respond = call.respond](const Result<Token>& gone) {
                              respond(gone ? io::posix::HttpResponse{204, "", "", {}} : problem(gone.error()));
                            });
}

}  // namespace

void add_token_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/tokens",
                        Scope::admin,
                        [services](const Call& call) { list(services, call); },
                        Operation::Body::none,
                        {"cursor", "limit"},
                        0});
  operations.push_back({"POST", "/v1/tokens", Scope::admin, [services](const Call& call) { post(services, call); },
                        Operation::Body::json});
  operations.back().keeps_answer = false;  // it holds the token
  operations.push_back({"DELETE",
                        "/v1/tokens/{token}",
                        Scope::admin,
                        [services](const Call& call) { erase(services, call); },
                        Operation::Body::none,
                        {},
                        0});
}

}  // namespace millrace::api
