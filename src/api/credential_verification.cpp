#include <optional>

#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "component/config.hpp"
#include "component/program_login.hpp"
#include "credentials/component_definition.hpp"
#include "installed/inquiries.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using credentials::Credential;
using io::posix::problem;
using io::posix::Respond;

std::string text_of(const json::object& body, std::string_view name) {
  const auto* value = body.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Error invalid(std::string message) {
  return {Error::Kind::invalid, std::move(message)};
}

/// With a function and a config that stand in the request.
Result<VerificationOrder> order_of_function(const Services& services, const Credential& credential,
                                            const json::object& body) {
  const auto name = text_of(body, "function");
  const auto* function = services.catalogue.find(name);
  if (function == nullptr) return invalid(fmt::format("there is no function \"{}\"", name));
  const auto& types = function->descriptor.credential_types;
  if (std::ranges::find(types, credential.type) == types.end()) {
    return invalid(fmt::format("{} takes no credential of type {}", name, to_string(credential.type)));
  }
  if (!function->verify) return invalid(fmt::format("{} cannot try a credential", name));
  const auto* given = body.if_contains("config");
  if (given == nullptr || !given->is_object()) return invalid("\"config\" must be an object, as a step's");
  const auto config = component::Config::read(function->descriptor, given->get_object());
  if (!config) return config.error();
  return VerificationOrder{credential.name, function->descriptor.component, function->descriptor.name,
                           config->values()};
}

std::optional<VerificationOrder> order_of_worker(const Services& services, const std::string& credential,
                                                 const flow::WorkerPlan& worker) {
  const auto* function = services.catalogue.find(worker.component + "." + worker.function);
  if (worker.settings.credential != credential || function == nullptr || !function->verify) return std::nullopt;
  return VerificationOrder{credential, worker.component, worker.function, worker.settings.config};
}

/// With a step that names the credential; the first there is, if none is asked for. nullopt: no step can try it.
Result<std::optional<VerificationOrder>> order_of_step(const Services& services, const Credential& credential,
                                                       const json::object& body) {
  const auto flow = text_of(body, "flow");
  const auto step = text_of(body, "step");
  for (const auto* plan : services.deployments.deployed().plans()) {
    if (!flow.empty() && plan->flow != flow) continue;
    for (const auto& worker : plan->workers) {
      if (!step.empty() && worker.step != step) continue;
      if (auto order = order_of_worker(services, credential.name, worker)) return order;
    }
  }
  if (flow.empty()) return std::optional<VerificationOrder>();
  return invalid(
      fmt::format("no step {} of the flow {} names the credential {} and can try it", step, flow, credential.name));
}

Result<std::optional<VerificationOrder>> order_of(const Services& services, const Credential& credential,
                                                  const json::object& body) {
  for (const auto& [name, value] : body) {
    const bool known = name == "function" || name == "config" || name == "flow" || name == "step";
    if (!known)
      return invalid(fmt::format("\"{}\": function and config, or flow and step, are known", std::string_view(name)));
  }
  if (!body.contains("function") && !body.contains("config")) return order_of_step(services, credential, body);
  auto order = order_of_function(services, credential, body);
  if (!order) return order.error();
  return std::optional(std::move(*order));
}

/// Keeps what it came to with the credential, and answers with it.
void keep(const Services& services, const Credential& credential, const std::string& who, const std::string& function,
          const Verdict& verdict, const Respond& respond) {
  const auto at = services.now();
  const json::object result{{"ok", verdict.ok}, {"at", at}, {"message", verdict.message}, {"function", function}};
  services.shelf.keep_verification(
      credential.name, credential.revision, json::serialize(result),
      [who, at, name = credential.name, ok = verdict.ok](store::Database& database) {
        return store::Audit(database).write(
            {0, at, who, "credential.verify", "credential/" + name, "", ok ? "ok" : "failed"});
      },
      [respond, result](const Status& kept) { respond(kept ? json_response(200, result) : problem(kept.error())); });
}

/// What the component that it is of says to it (verifyCredentials).
void ask_component(const Services& services, const Call& call, const Credential& credential,
                   const component::Login& login) {
  const auto name = credential.component();
  const auto* installation = services.installed.find(name);
  const auto* descriptor = credentials::asking_for_credentials(services.catalogue, name);
  if (installation == nullptr || descriptor == nullptr) {
    return call.respond(problem(409, "Conflict", fmt::format("the component {} is not installed", name)));
  }
  const auto& field = descriptor->credential_form->token_field;
  installed::Question question;
  question.config = component::config_with_login({}, credential.name, field, login);
  question.account = {credential.name, component::secret_document("millrace", credential.name, field, login)};
  services.inquiries.ask(
      *installation, question,
      [services, credential, login, name, respond = call.respond, who = call.caller.who](const auto& answer) {
        if (!answer && answer.error().kind == Error::Kind::unsupported) {
          return respond(problem(409, "Conflict", answer.error().message));
        }
        Verdict verdict{answer && answer->at("verified").as_bool(), "the component finds it good"};
        if (!verdict.ok) verdict.message = answer ? text_of(*answer, "reason") : answer.error().message;
        verdict.message = component::redacted(std::move(verdict.message), login);
        keep(services, credential, who, name + ".verifyCredentials", verdict, respond);
      });
}

void verify_by_component(const Services& services, const Call& call, const Credential& credential) {
  if (!call.body.empty()) {
    return call.respond(
        problem(invalid("a component's credential is tried by the component itself: say nothing else")));
  }
  services.logins.login(credential.name, "", [services, call, credential](const Result<component::Login>& login) {
    if (login) return ask_component(services, call, credential, *login);
    keep(services, credential, call.caller.who, "token endpoint", {false, login.error().message}, call.respond);
  });
}

void verify(const Services& services, const Call& call) {
  const auto* found = services.shelf.find(call.path[0]);
  if (found == nullptr) {
    return call.respond(problem(404, "Not found", fmt::format("there is no credential {}", call.path[0])));
  }
  const auto credential = *found;
  if (!credential.component().empty()) return verify_by_component(services, call, credential);
  const auto order = order_of(services, credential, call.body);
  if (!order) return call.respond(problem(order.error()));
  if (*order) {
    const auto function = (*order)->component + "." + (*order)->function;
    return services.verify(**order, [=, respond = call.respond, who = call.caller.who](const Verdict& verdict) {
      keep(services, credential, who, function, verdict, respond);
    });
  }
  if (!credential.is_oauth2()) {
    return call.respond(problem(409, "Conflict",
                                fmt::format("no step in use names the credential {} and can try it: "
                                            "name a function and its config",
                                            credential.name)));
  }
  services.logins.login(credential.name, "", [=, respond = call.respond, who = call.caller.who](const auto& login) {
    const Verdict verdict{bool(login), login ? "the token endpoint gives a token" : login.error().message};
    keep(services, credential, who, "token endpoint", verdict, respond);
  });
}

}  // namespace

void add_credential_verification(Operations& operations, const Services& services) {
  operations.push_back({"POST", "/v1/credentials/{credential}/verify", Scope::credentials,
                        [services](const Call& call) { verify(services, call); }, Operation::Body::json});
  operations.back().keeps_answer = false;  // asked again, it is tried again
}

}  // namespace millrace::api
