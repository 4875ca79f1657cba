#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
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

void ask(const Services& services, const Call& call, Question::Kind kind) {
  const auto question = read(kind, call.body);
  if (!question) return call.respond(problem(question.error()));
  const auto* installation = services.installed.find(call.path[0]);
  if (installation == nullptr) {
    return call.respond(problem(404, "Not found", fmt::format("there is no installed component {}", call.path[0])));
  }
  services.inquiries.ask(*installation, *question, [respond = call.respond](const Result<json::object>& answer) {
    respond(answer ? json_response(200, *answer) : problem(answer.error()));
  });
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
