#include "app/command_line/credential_commands.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <CLI/CLI.hpp>

#include "app/command_line/options.hpp"
#include "credentials/definition.hpp"

namespace millrace::app {
namespace {

std::string flag_of(std::string_view field) {
  auto flag = "--" + std::string(field);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

/// An option for every field of every type but the secrets.
void add_fields(CLI::App* command, CredentialOptions& options) {
  std::set<std::string> added;
  for (const auto type : component::credential_types()) {
    for (const auto& field : credentials::fields_of(type)) {
      const std::string name(field.name);
      if (field.secret || !added.insert(name).second) continue;
      using Type = credentials::Field::Type;
      if (field.type == Type::text_map || field.type == Type::object) {
        auto flag = flag_of(name);
        flag.pop_back();  // one at a time: --token-parameter
        command->add_option(flag, options.parameters[name], std::string(field.summary) + " Repeat it")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
      } else {
        command
            ->add_option_function<std::string>(
                flag_of(name), [&options, name](const std::string& text) { options.settings[name] = text; },
                std::string(field.summary))
            ->type_name("TEXT");
      }
    }
  }
}

}  // namespace

void CredentialCommands::add(CLI::App& app) {
  auto* group = app.add_subcommand("credential", "What flows log in with at other services")->require_subcommand(1);
  const auto add_one = [&](const char* name, const char* what, int (*work)(const CredentialOptions&)) {
    auto* command = group->add_subcommand(name, what);
    add_server(command, options.server);
    command->add_flag("--json", options.json, "Print JSON");
    command->callback([this, work] { chosen = [this, work] { return work(options); }; });
    return command;
  };
  const auto add_key = [&](CLI::App* command) {
    command
        ->add_option("--key-file", options.key_file,
                     "The key, where no platform runs on the data folder and it is not in it [MILLRACE_KEY_FILE]")
        ->type_name("FILE");
  };
  const auto add_name = [&](CLI::App* command) {
    command->add_option("NAME", options.name, "The credential's name")->required();
  };
  auto* set =
      add_one("set", "Set one, new or another in its place; its secret is read from standard input", &set_credential);
  add_name(set);
  add_key(set);
  std::string types;
  for (const auto type : component::credential_types())
    types += (types.empty() ? "" : ", ") + std::string(to_string(type));
  auto* definition = set->add_option("--definition", options.definition,
                                     "A file with all of it, as PUT /v1/credentials/NAME takes it; - is standard input")
                         ->type_name("FILE");
  set->add_option("--type", options.type, "One of " + types)->type_name("TYPE")->excludes(definition);
  set->add_option("--secret-file", options.secret_file, "A file with the secret, instead of standard input")
      ->type_name("FILE")
      ->excludes(definition);
  add_fields(set, options);
  add_key(add_one("list", "Which there are, and who uses them", &list_credentials));
  auto* show = add_one("show", "One of them, without its secrets", &show_credential);
  add_name(show);
  add_key(show);
  auto* remove = add_one("delete", "Forget one that no flow uses", &delete_credential);
  add_name(remove);
  add_key(remove);
  auto* verify = add_one("verify", "Try it on its service, as a step that names it does", &verify_credential);
  add_name(verify);
  auto* flow = verify->add_option("--flow", options.flow, "As a step of this flow does it")->type_name("NAME");
  verify->add_option("--step", options.step, "As this step does it")->type_name("ID")->needs(flow);
  auto* function =
      verify->add_option("--function", options.function, "Or as this function does it, such as http.request")
          ->type_name("NAME")
          ->excludes(flow);
  verify->add_option("--config", options.config, R"(With this config, such as {"url": "https://crm.example.com/me"})")
      ->type_name("JSON")
      ->needs(function);
  auto* rekey = group->add_subcommand("rekey", "Seal all of a data folder's with another key; no platform runs on it");
  add_data(rekey, options.server.data_folder);
  add_key(rekey);
  rekey
      ->add_option("--new-key-file", options.new_key_file,
                   "The other key; if not given, one is made in the data folder")
      ->type_name("FILE");
  rekey->callback([this] { chosen = [this] { return rekey_credentials(options); }; });
  add_name(add_one("authorize", "The address where a person agrees to it, for OAuth 2.0", &authorize_credential));
}

}  // namespace millrace::app
