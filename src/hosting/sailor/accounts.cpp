#include "hosting/sailor/accounts.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/program_login.hpp"
#include "hosting/new_keys.hpp"
#include "hosting/sailor/api_error.hpp"

namespace millrace::hosting::sailor {
namespace json = boost::json;
using component::Login;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::Respond;

namespace {

int status_of(const Error& error) {
  if (error.kind == Error::Kind::not_found) return 404;
  return error.kind == Error::Kind::permission ? 403 : 503;
}

}  // namespace

Accounts::Accounts(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
                   const component::StepSettings& settings, component::CredentialSource* source)
    : loop_(loop),
      environment_(environment),
      credential_(settings.credential),
      token_field_(settings.program->token_field),
      source_(source) {}

/// As component-commons-library and the components themselves build the paths, so perhaps with a slash at the end.
std::optional<Accounts::Target> Accounts::target_of(const std::string& path) {
  std::string_view rest = path;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  constexpr std::string_view accounts = "/v1/accounts/";
  if (rest.starts_with(accounts)) return Target{std::string(rest.substr(accounts.size()))};
  constexpr std::string_view workspaces = "/v2/workspaces/";
  constexpr std::string_view secrets = "/secrets/";
  const auto at = rest.starts_with(workspaces) ? rest.find(secrets) : std::string_view::npos;
  if (at == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(at + secrets.size());
  constexpr std::string_view refresh = "/refresh";
  const bool refreshes = rest.ends_with(refresh);
  if (refreshes) rest.remove_suffix(refresh.size());
  return Target{std::string(rest), true, refreshes};
}

bool Accounts::answer(const HttpRequest& request, const Respond& respond) const {
  const auto target = target_of(request.path);
  if (!target) return false;
  const auto* method = target->refreshes ? "POST" : target->is_secret ? "GET" : "PUT";
  if (source_ == nullptr) {
    respond(api_error(404, "this step names no credential: give it one (credential: NAME)"));
  } else if (target->id != credential_) {
    respond(api_error(403, fmt::format("this step may use its credential {} only, not {}", credential_, target->id)));
  } else if (request.method != method) {
    respond(api_error(405, fmt::format("only {} is known here", method)));
  } else {
    target->is_secret ? tell(target->refreshes, respond) : keep(request, respond);
  }
  return true;
}

void Accounts::keep(const HttpRequest& request, const Respond& respond) const {
  boost::system::error_code failed;
  const auto body = json::parse(request.body, failed);
  const auto* object = failed ? nullptr : body.if_object();
  const auto* keys = object == nullptr ? nullptr : object->if_contains("keys");
  if (keys == nullptr || !keys->is_object()) return respond(api_error(400, "the body must be {\"keys\": {…}}"));
  keep_keys(loop_, environment_, *source_, json::serialize(*keys), [respond, id = credential_](const KeysAnswer& kept) {
    if (kept.status != 200) return respond(api_error(kept.status, kept.why));
    respond({200, "application/json", json::serialize(json::object{{"id", id}})});
  });
}

void Accounts::tell(bool refreshes, const Respond& respond) const {
  source_->login([self = *this, refreshes, respond](const Result<Login>& login) {
    if (!login || !refreshes || login->token.empty()) return respond(self.secret(login));
    self.source_->refused(*login, [self, respond](const Result<Login>& fresh) { respond(self.secret(fresh)); });
  });
}

HttpResponse Accounts::secret(const Result<Login>& login) const {
  if (!login) return api_error(status_of(login.error()), login.error().message);
  return {200, "application/json",
          component::secret_document(environment_.workspace_id, credential_, token_field_, *login)};
}

}  // namespace millrace::hosting::sailor
