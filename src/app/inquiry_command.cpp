#include "app/inquiry_command.hpp"

#include <iostream>
#include <optional>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/exit_code.hpp"
#include "app/installed_command.hpp"
#include "app/known_components.hpp"
#include "flow/pretty_json.hpp"
#include "installed/inquiries.hpp"
#include "installed/json_file.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
using installed::Question;

Result<json::object> config_of(const std::string& given) {
  if (given.empty()) return json::object();
  auto config = given.front() == '@' ? installed::read_json_file(given.substr(1), given.substr(1))
                                     : installed::parse_json(given, "--config");
  if (!config) return config.error();
  if (!config->is_object()) return Error{Error::Kind::invalid, "--config: must be a JSON object of a step's fields"};
  return config->get_object();
}

Result<json::object> ask_here(const InquiryOptions& options, const std::string& component, Question question) {
  KnownComponents known(data_folder_of(options.server));
  known.complain();
  const auto* installation = known.installed().find(component);
  if (installation == nullptr) {
    return Error{Error::Kind::not_found, fmt::format("there is no installed component {}", component)};
  }
  io::posix::AsioLoop loop;
  installed::Inquiries inquiries(loop);
  std::optional<Result<json::object>> answer;
  inquiries.ask(*installation, question, [&](Result<json::object> result) {
    answer.emplace(std::move(result));
    loop.stop();
  });
  loop.run();
  return std::move(*answer);
}

Result<json::object> ask_there(const InquiryOptions& options, const std::string& component, const Question& question) {
  const auto client = ApiClient::make(options.server);
  if (!client) return client.error();
  json::object body{{"config", question.config}};
  if (!question.function.empty()) body["function"] = question.function;
  if (!question.field.empty()) body["field"] = question.field;
  if (!options.credential.empty()) body["credential"] = options.credential;
  const auto answer =
      (*client)->ask({.method = "POST",
                      .target = fmt::format("/v1/components/{}/{}", percent_encoded(component), options.kind),
                      .body = json::serialize(body)});
  if (!answer) return answer.error();
  return answer->body.as_object();
}

}  // namespace

int ask_component(const InquiryOptions& options) {
  const auto complain = [](const Error& error, int exit_code) {
    fmt::print(stderr, "millrace: {}\n", error.message);
    return exit_code;
  };
  const auto dot = options.name.find('.');
  const auto component = options.name.substr(0, dot);
  Question question;
  question.kind = options.kind == "verify"     ? Question::Kind::verify
                  : options.kind == "metadata" ? Question::Kind::metadata
                                               : Question::Kind::select;
  if (question.kind != Question::Kind::verify) {
    if (dot == std::string::npos) {
      return complain(
          {Error::Kind::invalid, fmt::format("{}: name a trigger or action, COMPONENT.FUNCTION", options.name)},
          ExitCode::usage);
    }
    question.function = options.name.substr(dot + 1);
    question.field = options.field;
  }
  auto config = config_of(options.config);
  if (!config) return complain(config.error(), ExitCode::usage);
  question.config = std::move(*config);
  if (!options.credential.empty() && !has_platform(options.server)) {
    return complain({Error::Kind::invalid, "--credential: no platform runs that has it; give its fields with --config"},
                    ExitCode::usage);
  }
  const auto answer = has_platform(options.server) ? ask_there(options, component, question)
                                                   : ask_here(options, component, std::move(question));
  if (!answer) return complain(answer.error(), ExitCode::failed);
  std::cout << flow::pretty_json(*answer);
  const auto* verified = answer->if_contains("verified");
  return verified != nullptr && verified->is_bool() && !verified->get_bool() ? ExitCode::failed : ExitCode::ok;
}

}  // namespace millrace::app
