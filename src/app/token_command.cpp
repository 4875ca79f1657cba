#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/deployment_command.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

std::string scopes_of(const json::object& token) {
  std::string text;
  for (const auto& scope : token.at("scopes").as_array()) {
    text += (text.empty() ? "" : " ") + std::string(scope.as_string());
  }
  return text;
}

}  // namespace

int create_token(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const json::object body = {{"name", options.name},
                               {"scopes", json::array(options.scopes.begin(), options.scopes.end())}};
    const auto made = client.ask({.method = "POST", .target = "/v1/tokens", .body = json::serialize(body)});
    if (!made) return made.error();
    fmt::print("{}\n", options.json ? json::serialize(made->body) : cell(made->body.as_object(), "token"));
    return Done{};
  });
}

int list_tokens(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto tokens = client.all("/v1/tokens");
    if (!tokens) return tokens.error();
    if (options.json) {
      fmt::print("{}\n", json::serialize(json::object{{"tokens", *tokens}}));
      return Done{};
    }
    std::vector<std::vector<std::string>> rows = {{"ID", "NAME", "SCOPES", "CREATED", "BY", "EXPIRES"}};
    for (const auto& entry : *tokens) {
      const auto& token = entry.as_object();
      rows.push_back({cell(token, "id"), cell(token, "name"), scopes_of(token), time_cell(token, "created_at"),
                      cell(token, "created_by"), time_cell(token, "expires_at")});
    }
    print_table(rows);
    return Done{};
  });
}

int delete_token(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto tokens = client.all("/v1/tokens");
    if (!tokens) return tokens.error();
    const auto found = std::ranges::find_if(*tokens, [&](const json::value& token) {
      return cell(token.as_object(), "name") == options.name || cell(token.as_object(), "id") == options.name;
    });
    if (found == tokens->end()) return Error{Error::Kind::not_found, fmt::format("there is no token {}", options.name)};
    const auto id = cell(found->as_object(), "id");
    const auto gone = client.ask({.method = "DELETE", .target = "/v1/tokens/" + percent_encoded(id)});
    if (!gone) return gone.error();
    fmt::print("{}  deleted\n", cell(found->as_object(), "name"));
    return Done{};
  });
}

}  // namespace millrace::app
