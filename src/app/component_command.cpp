#include "app/component_command.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/contexts.hpp"
#include "app/exit_code.hpp"
#include "app/known_components.hpp"
#include "component/descriptor_json.hpp"
#include "core/nearest.hpp"
#include "flow/pretty_json.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
using component::descriptor_json;

/// Breaks text between words so that no line is longer than 100 columns, if its words allow it.
std::string wrapped(std::string_view text, std::size_t indent) {
  constexpr std::size_t columns = 100;
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(' '), text.size());
    const bool first = column == 0;
    if (!first && column + 1 + size > columns) column = 0;
    if (column == 0) {
      out += (first ? "" : "\n") + std::string(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += text.substr(0, size);
    column += size;
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return out + '\n';
}

std::string text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

void print_fields(const json::array& fields, std::size_t indent, std::ostream& out) {
  for (const auto& entry : fields) {
    const auto& field = entry.as_object();
    std::string line =
        fmt::format("{}{}  {}", std::string(indent, ' '), text_of(field, "name"), text_of(field, "type"));
    if (const auto* choices = field.if_contains("choices")) {
      std::vector<std::string> texts;
      for (const auto& choice : choices->as_array()) texts.emplace_back(choice.as_string());
      line += fmt::format(" of {}", fmt::join(texts, " | "));
    }
    if (const auto* least = field.if_contains("minimum"))
      line += fmt::format(", at least {}", least->to_number<double>());
    if (const auto* most = field.if_contains("maximum")) line += fmt::format(", at most {}", most->to_number<double>());
    if (field.at("required").as_bool()) line += ", required";
    if (const auto* otherwise = field.if_contains("default")) line += ", default " + json::serialize(*otherwise);
    out << line << '\n' << wrapped(text_of(field, "summary"), indent + 4);
    if (const auto* inner = field.if_contains("fields")) print_fields(inner->as_array(), indent + 4, out);
  }
}

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += "    " + std::string(text.substr(0, end)) + '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void print_metadata(const json::object& metadata, std::ostream& out) {
  for (const auto& [name, head] :
       {std::pair{"in", "Takes, as JSON schema:"}, std::pair{"out", "Emits, as JSON schema:"}}) {
    if (const auto& schema = metadata.at(name); !schema.is_null()) {
      out << '\n' << head << '\n' << indented(flow::pretty_json(schema));
    }
  }
}

/// What a credential of type component holds.
void print_form(const json::object& form, std::ostream& out) {
  if (const auto& fields = form.at("fields").as_array(); !fields.empty()) {
    out << "\nFields of a credential of type component:\n";
    print_fields(fields, 2, out);
  }
  const auto* oauth2 = form.at("oauth2").if_object();
  if (oauth2 == nullptr) return;
  out << "\nOAuth 2.0 of a credential of type component:\n";
  for (const auto& [name, what] : {std::pair{"authorization_url", "a person agrees at"},
                                   std::pair{"token_url", "tokens from"}, std::pair{"scope", "scope"}}) {
    if (const auto text = text_of(*oauth2, name); !text.empty()) out << fmt::format("  {} {}\n", what, text);
  }
  if (oauth2->at("needs_client").as_bool()) out << "  it needs --client-id and a client secret\n";
}

void print(const json::object& function, std::ostream& out) {
  out << fmt::format("{} ({}): {}\n\n", text_of(function, "name"), text_of(function, "kind"),
                     text_of(function, "title"))
      << wrapped(text_of(function, "summary"), 0);
  const auto& fields = function.at("fields").as_array();
  if (!fields.empty()) out << "\nFields of config:\n";
  print_fields(fields, 2, out);
  if (const auto& types = function.at("credential_types").as_array(); !types.empty()) {
    std::string names;
    for (const auto& type : types) names += (names.empty() ? "" : ", ") + std::string(type.as_string());
    out << "\nCredential:\n" << wrapped("one of " + names, 2);
  }
  if (const auto* form = function.if_contains("credential")) print_form(form->as_object(), out);
  if (const auto emits = text_of(function, "emits"); !emits.empty()) out << "\nEmits:\n" << wrapped(emits, 2);
  if (const auto* metadata = function.if_contains("metadata")) print_metadata(metadata->as_object(), out);
  for (const auto& example : function.at("examples").as_array()) {
    out << "\nExample: " << text_of(example.as_object(), "title") << '\n'
        << indented(text_of(example.as_object(), "yaml"));
  }
}

json::array functions_json(const component::Catalogue& catalogue) {
  json::array functions;
  for (const auto& function : catalogue.all()) functions.push_back(descriptor_json(function.descriptor));
  return functions;
}

void print_list(const json::array& functions, std::ostream& out) {
  std::size_t width = 0;
  for (const auto& function : functions) width = std::max(width, function.at("name").as_string().size());
  for (const auto& entry : functions) {
    const auto& function = entry.as_object();
    out << fmt::format("{:{}}  {:15}  {}\n", text_of(function, "name"), width, text_of(function, "kind"),
                       text_of(function, "title"));
  }
}

int print_those_named(const std::string& name, bool as_json, const json::array& functions, std::ostream& out,
                      std::ostream& err) {
  json::array shown;
  std::vector<std::string> names;
  for (const auto& function : functions) {
    names.emplace_back(function.at("name").as_string());
    const auto& full_name = names.back();
    if (full_name == name || full_name.substr(0, full_name.find('.')) == name) shown.push_back(function);
  }
  if (shown.empty()) {
    err << fmt::format("there is no component or function \"{}\" ({})\n", name, suggestion(name, names));
    return ExitCode::failed;
  }
  if (as_json) {
    out << flow::pretty_json(shown.front().at("name").as_string() == name ? shown.front() : json::value(shown));
    return ExitCode::ok;
  }
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (i > 0) out << "\n\n";
    print(shown[i].as_object(), out);
  }
  return ExitCode::ok;
}

/// The functions of a platform: of all components their names, or of one all there is to say.
Result<json::array> functions_there(ApiClient& client, const std::string& component) {
  json::array functions;
  if (!component.empty()) {
    auto answer = client.ask({.target = "/v1/components/" + percent_encoded(component)});
    if (!answer) return answer.error();
    return answer->body.at("functions").as_array();
  }
  const auto components = client.ask({.target = "/v1/components"});
  if (!components) return components.error();
  for (const auto& one : components->body.at("items").as_array()) {
    for (const auto& function : one.at("functions").as_array()) functions.push_back(function);
  }
  return functions;
}

}  // namespace

int list_components(const component::Catalogue& catalogue, std::ostream& out) {
  print_list(functions_json(catalogue), out);
  return ExitCode::ok;
}

int show_component(const std::string& name, bool json, const component::Catalogue& catalogue, std::ostream& out,
                   std::ostream& err) {
  return print_those_named(name, json, functions_json(catalogue), out, err);
}

int list_known(const InstalledOptions& options) {
  const auto print = [&](const json::array& functions) {
    if (!options.json) return print_list(functions, std::cout);
    std::cout << flow::pretty_json(functions);
  };
  if (is_remote(options.server)) {
    return with_api(options.server, [&](ApiClient& client) -> Status {
      const auto functions = functions_there(client, "");
      if (!functions) return functions.error();
      print(*functions);
      return Done{};
    });
  }
  KnownComponents known(data_folder_of(options.server));
  known.complain();
  print(functions_json(known.catalogue()));
  return ExitCode::ok;
}

int show_known(const InstalledOptions& options) {
  if (is_remote(options.server)) {
    int exit_code = ExitCode::ok;
    const int asked = with_api(options.server, [&](ApiClient& client) -> Status {
      const auto functions = functions_there(client, options.name.substr(0, options.name.find('.')));
      if (!functions) return functions.error();
      exit_code = print_those_named(options.name, options.json, *functions, std::cout, std::cerr);
      return Done{};
    });
    return asked == ExitCode::ok ? exit_code : asked;
  }
  KnownComponents known(data_folder_of(options.server));
  known.complain();
  return show_component(options.name, options.json, known.catalogue());
}

}  // namespace millrace::app
