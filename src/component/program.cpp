#include "component/program.hpp"

#include <boost/json/array.hpp>

namespace millrace::component {
namespace json = boost::json;
namespace {

Error bad(const char* field) {
  return {Error::Kind::invalid, std::string("program: \"") + field + "\" is missing or not what it should be"};
}

bool read(const json::object& from, const char* name, std::string& into) {
  const auto* value = from.if_contains(name);
  if (value == nullptr || !value->is_string()) return false;
  into = std::string(value->get_string());
  return true;
}

}  // namespace

json::object Program::to_json() const {
  json::object variables;
  for (const auto& [name, value] : environment) variables[name] = value;
  return {{"protocol", protocol == Protocol::sailor ? "sailor" : "lines"},
          {"polls", polls},
          {"folder", folder},
          {"command", json::array(command.begin(), command.end())},
          {"function", function},
          {"environment", std::move(variables)},
          {"token_field", token_field}};
}

Result<Program> Program::from_json(const json::object& from) {
  Program program;
  std::string protocol;
  if (!read(from, "protocol", protocol) || (protocol != "sailor" && protocol != "lines")) return bad("protocol");
  program.protocol = protocol == "lines" ? Protocol::lines : Protocol::sailor;
  if (!read(from, "folder", program.folder)) return bad("folder");
  if (!read(from, "function", program.function)) return bad("function");
  const auto* polls = from.if_contains("polls");
  if (polls == nullptr || !polls->is_bool()) return bad("polls");
  program.polls = polls->get_bool();
  const auto* command = from.if_contains("command");
  if (command == nullptr || !command->is_array()) return bad("command");
  for (const auto& word : command->get_array()) {
    if (!word.is_string()) return bad("command");
    program.command.emplace_back(word.get_string());
  }
  if (from.contains("token_field") && !read(from, "token_field", program.token_field)) return bad("token_field");
  const auto* environment = from.if_contains("environment");
  if (environment == nullptr || !environment->is_object()) return bad("environment");
  for (const auto& [name, value] : environment->get_object()) {
    if (!value.is_string()) return bad("environment");
    program.environment.emplace_back(name, value.get_string());
  }
  return program;
}

}  // namespace millrace::component
