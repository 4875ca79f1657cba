#include "app/command_line/component_commands.hpp"

#include <CLI/CLI.hpp>

#include "app/command_line/options.hpp"
#include "app/component_command.hpp"

namespace millrace::app {

void ComponentCommands::add(CLI::App& app) {
  auto* group =
      app.add_subcommand("component", "Triggers and actions, and the components they come from")->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, std::function<int(const InstalledOptions&)> work) {
    auto* command = group->add_subcommand(name, what);
    add_server(command, options_.server);
    command->callback([this, work = std::move(work)] { chosen = [this, work] { return work(options_); }; });
    return command;
  };
  const auto with_json = [&](CLI::App* command) { command->add_flag("--json", options_.json, "Print JSON"); };

  with_json(add("list", "What there is", &list_known));
  auto* show = add("show", "What one does, its fields and examples", &show_known);
  show->add_option("NAME", options_.name, "A function such as http.request, or a component such as http")->required();
  with_json(show);

  auto* adding = add("add", "Install a component that is a program of its own", &add_component);
  adding->add_option("SOURCE", options_.source, "Path of its folder, npm:NAME[@VERSION], or image:REF")->required();
  adding->add_option("--name", options_.name, "What flows call it; if not given, made from its package's name")
      ->type_name("NAME");
  adding->add_option("--env", options_.environment, "A variable of its programs' environment; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  adding->add_flag("--replace", options_.replace, "In the place of the component of that name");
  adding->add_flag("--scripts", options_.scripts, "Its packages may run their install scripts");
  with_json(adding);
  add("remove", "Take an installed component away, if no flow uses it", &remove_component)
      ->add_option("NAME", options_.name, "The component")
      ->required();
  add_questions(group);
  add_new(group);
  add_import(app);
}

void ComponentCommands::add_new(CLI::App* group) {
  auto* command = group->add_subcommand("new", "Write a component that works, with its test, to begin with");
  command->add_option("NAME", new_.name, "What flows shall call it")->required();
  command->add_option("--lang", new_.language, "cpp, node or python")->required()->type_name("LANGUAGE");
  command->add_option("--folder", new_.folder, "Where to; if not given, ./NAME")->type_name("DIR");
  command->callback([this] { chosen = [this] { return make_component(new_); }; });
}

void ComponentCommands::add_import(CLI::App& app) {
  auto* group = app.add_subcommand("import", "Flows of other platforms as flow files")->require_subcommand(1);
  auto* command = group->add_subcommand("elasticio", "Flows in the form of elastic.io's API v2");
  command->add_option("FILE", import_.file, "The JSON; - is standard input")->required();
  command->add_option("--output", import_.output, "Write the flow file there")->type_name("FILE");
  command
      ->add_option("--data", import_.data_folder, "With the installed components of this data folder [./millrace-data]")
      ->type_name("DIR");
  command->callback([this] { chosen = [this] { return import_elasticio_flows(import_); }; });
}

void ComponentCommands::add_questions(CLI::App* group) {
  for (const auto& [kind, what] :
       {std::pair("verify", "Ask an installed component whether credentials are good"),
        std::pair("metadata", "Ask it what a trigger or action takes and emits, as JSON schemas"),
        std::pair("select", "Ask it what may stand in a field")}) {
    auto* command = group->add_subcommand(kind, what);
    add_server(command, inquiry_.server);
    const bool of_all = std::string_view(kind) == "verify";
    command->add_option("NAME", inquiry_.name, of_all ? "The component" : "COMPONENT.FUNCTION")->required();
    if (std::string_view(kind) == "select") command->add_option("FIELD", inquiry_.field, "The field")->required();
    command->add_option("--config", inquiry_.config, "The fields that it needs, as JSON, or @FILE")->type_name("JSON");
    if (!of_all) {
      command->add_option("--credential", inquiry_.credential, "A credential of the platform's, for the fields it has")
          ->type_name("NAME");
    }
    command->callback([this, kind = std::string(kind)] {
      inquiry_.kind = kind;
      chosen = [this] { return ask_component(inquiry_); };
    });
  }
}

}  // namespace millrace::app
