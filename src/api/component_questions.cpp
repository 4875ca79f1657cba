#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "component/program_login.hpp"
#include "credentials/component_definition.hpp"
#include "installed/inquiries.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using installed::Question;
using io::posix::problem;

/// The members that this kind of question has: config, and function and field as it needs them.
Result<Question> read(Question::Kind kind, const json::object& body) {
  Question question{.kind = kind};
  const auto bad = [](std::string_view name, std::string_view wanted) {
    return Error{Error::Kind::invalid, fmt::format("\"{}\" must be {}", name, wanted)};
  };
  for (const auto& [name, value] : body) {
    if (name == "config") {
      if (!value.is_object()) return bad(name, "an object");
      question.config = value.get_object();
    } else if ((name == "function" && kind != Question::Kind::verify) ||
               (name == "field" && kind == Question::Kind::select)) {
      if (!value.is_string()) return bad(name, "a text");
      (name == "function" ? question.function : question.field) = std::string(value.get_string());
    } else {
      return bad(name, "left out: config, function (not for verify) and field (for select) are known");
    }
  }
  if (question.function.empty() && kind != Question::Kind::verify) return bad("function", "given: a trigger or action");
  if (question.field.empty() && kind == Question::Kind::select) return bad("field", "given");
  return question;
}

/// The login's secrets are no part of an answer.
void ask(const Services& services, const Call& call, const Question& question, const component::Login& login) {
  const auto* installation = services.installed.find(call.path[0]);
  if (installation == nullptr) {
    return call.respond(problem(404, "Not found", fmt::format("there is no installed component {}", call.path[0])));
  }
  services.inquiries.ask(*installation, question, [login, respond = call.respond](const Result<json::object>& answer) {
    if (answer) return respond({200, "application/json", redacted(json::serialize(*answer), login), {}});
    auto error = answer.error();
    error.message = redacted(std::move(error.message), login);
    respond(problem(error));
  });
}

/// Why a component cannot be asked with this credential; Done: it can.
Status takes(const Services& services, const std::string& component, const credentials::Credential& credential) {
  const auto is_its = [&](const component::Function& function) {
    const auto& types = function.descriptor.credential_types;
    return function.descriptor.component == component && std::ranges::find(types, credential.type) != types.end();
  };
  const bool another_s = !credential.component().empty() && credential.component() != component;
  if (!another_s && std::ranges::any_of(services.catalogue.all(), is_its)) return Done{};
  return Error{Error::Kind::invalid, fmt::format("\"credential\": {} is none of {}", credential.name, component)};
}

/// With the fields of a credential that is set, as a step that names it has them.
void ask_with(const Services& services, const Call& call, Question question, const std::string& name) {
  const auto* credential = services.shelf.find(name);
  if (credential == nullptr) {
    return call.respond(problem(404, "Not found", fmt::format("there is no credential {}", name)));
  }
  if (auto fits = takes(services, call.path[0], *credential); !fits) return call.respond(problem(fits.error()));
  services.logins.login(name, "", [services, call, question = std::move(question), name](const auto& login) mutable {
    if (!login) return call.respond(problem(login.error()));
    const auto* asking = credentials::asking_for_credentials(services.catalogue, call.path[0]);
    const auto field = asking == nullptr ? std::string() : asking->credential_form->token_field;
    question.config = component::config_with_login(std::move(question.config), name, field, *login);
    question.account = {name, component::secret_document("millrace", name, field, *login),
                        [&keys = services.keys, name, component = call.path[0]](const auto& given, auto done) {
                          keys.take(name, component, given, "component " + component, std::move(done));
                        }};
    ask(services, call, question, *login);
  });
}

void ask(const Services& services, const Call& call, Question::Kind kind) {
  auto body = call.body;
  std::string credential;
  if (const auto* name = body.if_contains("credential"); name != nullptr && kind != Question::Kind::verify) {
    if (!name->is_string()) return call.respond(problem(400, "Bad request", "\"credential\" must be a text"));
    credential = std::string(name->get_string());
    body.erase("credential");
  }
  auto question = read(kind, body);
  if (!question) return call.respond(problem(question.error()));
  if (credential.empty()) return ask(services, call, *question, component::Login());
  ask_with(services, call, std::move(*question), credential);
}

}  // namespace

void add_component_questions(Operations& operations, const Services& services) {
  using Kind = Question::Kind;
  for (const auto& [path, kind] : {std::pair{"/v1/components/{component}/verify", Kind::verify},
                                   std::pair{"/v1/components/{component}/metadata", Kind::metadata},
                                   std::pair{"/v1/components/{component}/select", Kind::select}}) {
    operations.push_back({"POST", path, Scope::flows_write,
                          [services, kind = kind](const Call& call) { ask(services, call, kind); },
                          Operation::Body::json});
    operations.back().keeps_answer = false;  // what it was yesterday says nothing
  }
}

}  // namespace millrace::api
