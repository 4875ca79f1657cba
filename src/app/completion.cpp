#include "app/completion.hpp"

#include <fmt/format.h>

namespace millrace::app {

std::string completion_script(std::string_view shell, const std::vector<CommandWords>& commands) {
  if (shell != "bash" && shell != "zsh") return {};
  std::string paths;
  std::string cases;
  for (const auto& command : commands) {
    paths += fmt::format("{}\"{}\"", paths.empty() ? "" : " | ", command.path);
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", command.path, fmt::join(command.words, " "));
  }
  const auto* const zsh = "autoload -U +X bashcompinit && bashcompinit\n";
  return fmt::format(
      "{}_millrace() {{\n"
      "  local path=millrace words= word\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \"$path $word\" in\n"
      "      {}) path=\"$path $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n"
      "}}\n"
      "complete -o default -F _millrace millrace\n",
      shell == "zsh" ? zsh : "", paths, cases);
}

}  // namespace millrace::app
