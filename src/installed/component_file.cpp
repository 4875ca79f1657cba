#include "installed/component_file.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "installed/json_file.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::string_view file_name = "component.json";

Error bad(std::string_view path, std::string_view what) {
  return {Error::Kind::invalid, fmt::format("{}: {}: {}", file_name, path, what)};
}

std::string text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

bool is_true(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

/// A member that is an object; an empty one if it is not there or null.
Result<json::object> object_of(const json::object& from, std::string_view name, const std::string& path) {
  const auto* found = from.if_contains(name);
  if (found == nullptr || found->is_null()) return json::object();
  if (!found->is_object()) return bad(path + std::string(name), "must be an object");
  return found->get_object();
}

/// A name that can stand in a flow file: COMPONENT.NAME.
bool is_name(std::string_view name) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.size() <= 100 && name.find_first_not_of(known) == std::string_view::npos;
}

/// Whether Node.js would find the file, given as in require(): with or without its ending, or a folder with index.js.
bool is_module(const fs::path& path) {
  std::error_code failed;
  for (const char* ending : {"", ".js", ".cjs", ".json", "/index.js"}) {
    if (fs::is_regular_file(path.string() + ending, failed)) return true;
  }
  return false;
}

/// "io.elastic.petstore.triggers.GetPets": no folders, and a name in upper case behind packages.
bool is_java_class(std::string_view main) {
  const auto dot = main.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == main.size()) return false;
  return main.find('/') == std::string_view::npos && main[dot + 1] >= 'A' && main[dot + 1] <= 'Z';
}

class Reader {
 public:
  Reader(std::string folder, Files files) : folder_(std::move(folder)), files_(files) {}

  Result<ComponentFile> read() {
    auto parsed = read_json_file(folder_ + "/component.json", file_name);
    if (!parsed) {
      if (parsed.error().kind != Error::Kind::not_found) return parsed.error();
      return Error{Error::Kind::not_found,
                   fmt::format("there is no component.json in {} (it says what a component offers; is this the "
                               "component's own folder?)",
                               folder_)};
    }
    if (!parsed->is_object()) return bad("the document", "must be an object");
    file_.document = std::move(parsed->get_object());
    const auto& all = file_.document;
    file_.title = text_of(all, "title");
    file_.description = text_of(all, "description");
    file_.version = text_of(all, "version");
    if (is_true(all, "deprecated")) file_.notes.push_back("its author calls it deprecated");
    for (const auto step :
         {&Reader::read_command, &Reader::read_credentials, &Reader::read_variables, &Reader::read_shared_fields}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    for (const auto& [member, is_trigger] : {std::pair{"triggers", true}, std::pair{"actions", false}}) {
      if (auto done = read_functions(member, is_trigger); !done) return done.error();
    }
    if (file_.functions.empty()) {
      return bad("the document", "has neither triggers nor actions, so there is nothing to use");
    }
    return std::move(file_);
  }

 private:
  Status read_command() {
    const auto* found = file_.document.if_contains("command");
    if (found == nullptr && text_of(file_.document, "protocol") == "lines") {
      return bad("command", "missing: the program and its arguments, a list of texts");
    }
    if (found == nullptr) return Done{};
    const auto wrong = bad("command", "must be a list of texts: the program and its arguments");
    if (!found->is_array() || found->get_array().empty()) return wrong;
    for (const auto& word : found->get_array()) {
      if (!word.is_string() || word.get_string().empty()) return wrong;
      file_.command.emplace_back(word.get_string());
    }
    const auto& program = file_.command.front();
    const bool is_path = program.find('/') != std::string::npos;
    if (files_ == Files::all && is_path && !fs::exists(fs::path(folder_) / program)) {
      return bad("command",
                 fmt::format("names {}, and there is no such file in {} (has it been built?)", program, folder_));
    }
    return Done{};
  }

  Status read_credentials() {
    auto credentials = object_of(file_.document, "credentials", "");
    if (!credentials) return credentials.error();
    auto fields = read_fields(*credentials, "credentials.");
    if (!fields) return fields.error();
    file_.credential_fields = std::move(*fields);
    auto oauth2 = object_of(*credentials, "oauth2", "credentials.");
    if (!oauth2) return oauth2.error();
    if (!oauth2->empty() && text_of(*oauth2, "token_uri").empty()) {
      file_.notes.push_back("credentials.oauth2 names no token_uri: its tokens have to be given as fields");
      oauth2->clear();
    }
    file_.oauth2 = std::move(*oauth2);
    const auto* types = file_.document.if_contains("authClientTypes");
    if (types == nullptr || !types->is_array()) return Done{};
    for (const auto& type : types->get_array()) {
      if (type.is_string()) file_.auth_client_types.emplace_back(type.get_string());
    }
    return Done{};
  }

  Status read_variables() {
    const auto variables = object_of(file_.document, "envVars", "");
    if (!variables) return variables.error();
    for (const auto& [name, value] : *variables) {
      ComponentFile::Variable variable{std::string(name), false, ""};
      if (value.is_object()) {
        variable.required = is_true(value.get_object(), "required");
        variable.description = text_of(value.get_object(), "description");
      }
      file_.variables.push_back(std::move(variable));
    }
    return Done{};
  }

  /// Fields of the component are fields of each of its functions.
  Status read_shared_fields() {
    auto fields = read_fields(file_.document, "");
    if (!fields) return fields.error();
    shared_fields_ = std::move(*fields);
    return Done{};
  }

  Result<json::object> read_fields(const json::object& from, const std::string& path) {
    auto fields = object_of(from, "fields", path);
    if (!fields) return fields.error();
    for (const auto& [name, field] : *fields) {
      if (!field.is_object()) return bad(fmt::format("{}fields.{}", path, std::string_view(name)), "must be an object");
    }
    return fields;
  }

  Status read_functions(const char* member, bool is_trigger) {
    const auto functions = object_of(file_.document, member, "");
    if (!functions) return functions.error();
    for (const auto& [key, value] : *functions) {
      const std::string name(key);
      const auto path = fmt::format("{}.{}", member, name);
      if (!value.is_object()) return bad(path, "must be an object");
      if (!is_name(name)) {
        file_.notes.push_back(fmt::format("{} cannot be used: a flow can name only letters, digits, - and _", path));
        continue;
      }
      if (file_.find(name) != nullptr) return bad(path, "there is a trigger of that name as well");
      auto function = read_function(value.get_object(), name, is_trigger, path + ".");
      if (!function) return function.error();
      file_.functions.push_back(std::move(*function));
    }
    return Done{};
  }

  Result<ComponentFile::Function> read_function(const json::object& from, const std::string& name, bool is_trigger,
                                                const std::string& path) {
    ComponentFile::Function function;
    function.name = name;
    function.is_trigger = is_trigger;
    function.title = text_of(from, "title");
    function.description = description_of(from);
    function.deprecated = is_true(from, "deprecated");
    if (auto done = read_type(from, path, function); !done) return done.error();
    if (auto done = read_main(from, path, function); !done) return done.error();
    auto fields = read_fields(from, path);
    if (!fields) return fields.error();
    function.fields = std::move(*fields);
    for (const auto& [key, field] : shared_fields_) function.fields.emplace(key, field);  // its own stand
    if (auto done = read_metadata(from, path, function); !done) return done.error();
    return function;
  }

  static std::string description_of(const json::object& from) {
    if (auto text = text_of(from, "description"); !text.empty()) return text;
    const auto* help = from.if_contains("help");
    return help != nullptr && help->is_object() ? text_of(help->get_object(), "description") : std::string();
  }

  Status read_type(const json::object& from, const std::string& path, ComponentFile::Function& function) {
    if (!function.is_trigger) return Done{};
    const auto type = text_of(from, "type");
    if (type != "" && type != "polling" && type != "webhook") {
      return bad(path + "type", fmt::format("\"{}\" is neither polling nor webhook", type));
    }
    function.polls = type == "polling";
    return Done{};
  }

  Status read_main(const json::object& from, const std::string& path, ComponentFile::Function& function) {
    function.main = text_of(from, "main");
    if (!file_.command.empty()) return Done{};
    if (function.main.empty()) {
      return bad(path + "main", "missing: the file with its code, e.g. \"./lib/actions/" + function.name + ".js\"");
    }
    if (files_ == Files::schemas_only) return Done{};
    if (is_java_class(function.main)) {
      return bad(path + "main",
                 fmt::format("names {}, a class of Java: components for the JVM cannot be installed, only "
                             "those for Node.js and programs over JSON lines",
                             function.main));
    }
    if (!is_module(fs::path(folder_) / function.main)) {
      return bad(path + "main", fmt::format("names {}, and there is no such file in {}", function.main, folder_));
    }
    return Done{};
  }

  Status read_metadata(const json::object& from, const std::string& path, ComponentFile::Function& function) {
    const auto* dynamic = from.if_contains("dynamicMetadata");
    function.dynamic_metadata =
        dynamic != nullptr && !dynamic->is_null() && !(dynamic->is_bool() && !dynamic->get_bool());
    const auto metadata = object_of(from, "metadata", path);
    if (!metadata) return metadata.error();
    for (const auto& [name, schema] :
         {std::pair{"in", &function.metadata_in}, std::pair{"out", &function.metadata_out}}) {
      const auto* found = metadata->if_contains(name);
      if (found == nullptr) continue;
      const auto place = fmt::format("{}metadata.{}", path, name);
      auto read = read_schema(*found, place);
      if (!read) return read.error();
      *schema = std::move(*read);
    }
    return Done{};
  }

  Result<json::value> read_schema(const json::value& said, const std::string& path) {
    if (said.is_object() || said.is_null()) return said;
    if (!said.is_string()) return bad(path, "must be a JSON schema, or the name of a file with one");
    const std::string name(said.get_string());
    const auto file = (fs::path(folder_) / name).string();
    auto schema = read_json_file(file, name);
    if (!schema && schema.error().kind == Error::Kind::not_found) {
      return bad(path, fmt::format("names {}, and there is no such file in {}", name, folder_));
    }
    if (!schema) return schema.error().in(fmt::format("{}: {}", file_name, path));
    return std::move(*schema);
  }

  std::string folder_;
  Files files_;
  ComponentFile file_;
  json::object shared_fields_;
};

}  // namespace

const ComponentFile::Function* ComponentFile::find(std::string_view name) const {
  const auto found =
      std::find_if(functions.begin(), functions.end(), [&](const Function& f) { return f.name == name; });
  return found == functions.end() ? nullptr : &*found;
}

Result<ComponentFile> read_component_file(const std::string& folder, Files files) {
  return Reader(folder, files).read();
}

}  // namespace millrace::installed
