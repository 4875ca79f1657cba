#include "imports/elasticio.hpp"

#include <algorithm>
#include <set>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "imports/elasticio_expression.hpp"
#include "imports/elasticio_flow.hpp"
#include "installed/source.hpp"

namespace millrace::imports {
namespace {

namespace json = boost::json;
using Edge = ElasticioFlow::Edge;
using Step = ElasticioFlow::Step;

/// A name with the letters that ours may have.
std::string slug(std::string_view text, std::string_view fallback, bool underscores) {
  std::string out;
  for (const char c : text) {
    const auto lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || (underscores && lower == '_');
    if (kept) {
      out += lower;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  out.erase(0, out.find_first_not_of("-_"));
  out = out.substr(0, 60);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? std::string(fallback) : out;
}

std::string comment(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out += fmt::format("{}# {}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// A value of `config:` in YAML's inline form; what looks like a variable is text.
std::string inline_value(const json::value& value) {
  auto text = json::serialize(value);
  for (auto at = text.find("${"); at != std::string::npos; at = text.find("${", at + 3)) text.insert(at, "$");
  return text;
}

std::string block(std::string_view name, std::string_view expression) {
  if (expression.find('\n') == std::string_view::npos && expression.find(": ") == std::string_view::npos &&
      expression.find('#') == std::string_view::npos && expression.find("{") == std::string_view::npos) {
    return fmt::format("    {}: {}\n", name, expression);
  }
  auto out = fmt::format("    {}: |\n", name);
  while (!expression.empty()) {
    const auto end = std::min(expression.find('\n'), expression.size());
    out += fmt::format("      {}\n", expression.substr(0, end));
    expression.remove_prefix(std::min(end + 1, expression.size()));
  }
  return out;
}

struct Command {
  std::string repository;
  std::string function;
};

Command command_of(std::string_view text) {
  text = text.substr(0, text.find('@'));
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) text.remove_prefix(slash + 1);
  const auto colon = text.find(':');
  return {std::string(text.substr(0, colon)),
          colon == std::string_view::npos ? std::string() : std::string(text.substr(colon + 1))};
}

/// One flow on its way into a flow file.
class Translation {
 public:
  Translation(const ElasticioFlow& flow, const component::Catalogue& catalogue) : flow_(flow), catalogue_(catalogue) {}

  Imported translate() {
    name_ = slug(flow_.name, "imported", false);
    name_steps();
    const auto order = in_order();
    for (const Step* step : order) write(*step, step == order.front());
    std::string head = comment(fmt::format("From elastic.io{}{}", flow_.id.empty() ? "" : ", flow " + flow_.id,
                                           flow_.description.empty() ? "" : ": " + flow_.description),
                               "");
    if (!notes_.empty()) head += "# Not carried over, and to be looked at:\n";
    for (const auto& note : notes_) head += comment("- " + note, "");
    for (auto& note : notes_) note = name_ + ": " + note;
    return {head + fmt::format("name: {}\nsteps:\n{}", name_, out_), std::move(notes_)};
  }

 private:
  void note(const Step& step, std::string_view what) {
    notes_.push_back(fmt::format("{}: {}", renamed_.at(step.id), what));
  }

  void name_steps() {
    std::set<std::string> taken{"dead-letters"};
    for (const Step& step : flow_.steps) {
      const auto wanted = slug(step.id, "step", true);
      auto name = wanted;
      for (int i = 2; !taken.insert(name).second; ++i) name = fmt::format("{}-{}", wanted, i);
      renamed_[step.id] = name;
    }
  }

  std::vector<const Edge*> edges_to(const Step& step) const {
    std::vector<const Edge*> found;
    for (const Edge& edge : flow_.edges) {
      if (edge.target == step.id) found.push_back(&edge);
    }
    return found;
  }

  /// The trigger first, then each step after those before it.
  std::vector<const Step*> in_order() {
    std::vector<const Step*> order;
    std::set<const Step*> placed;
    for (std::size_t before = flow_.steps.size() + 1; order.size() < flow_.steps.size() && before != order.size();) {
      before = order.size();
      for (const Step& step : flow_.steps) {
        const auto edges = edges_to(step);
        const auto ready = [&](const Edge* edge) { return placed.contains(flow_.find(edge->source)); };
        if (placed.contains(&step) || !std::all_of(edges.begin(), edges.end(), ready)) continue;
        order.push_back(&step);
        placed.insert(&step);
      }
    }
    for (const Step& step : flow_.steps) {
      if (!placed.contains(&step)) order.push_back(&step);  // A circle: the reader of the file will say so.
    }
    return order;
  }

  void write(const Step& step, bool is_first) {
    const auto edges = edges_to(step);
    if (!step.name.empty()) out_ += comment(step.name, "  ");
    if (!step.description.empty()) out_ += comment(step.description, "  ");
    out_ += fmt::format("  - id: {}\n", renamed_.at(step.id));
    if (edges.empty()) {
      if (!is_first) note(step, "it stands after no step, and a flow has one trigger");
      write_trigger(step);
    } else {
      write_action(step);
      write_edges(step, edges);
    }
    write_running(step, edges.empty());
    if (!step.credential.empty()) {
      const auto what = fmt::format(
          "its credential {} is not here: set one of the component (millrace credential set NAME --type "
          "component) and name it (credential: NAME), or give its fields in config",
          step.credential);
      out_ += comment(what, "    ");
      note(step, what);
    }
    if (step.has_agent) note(step, "it reached its target over a VPN agent");
  }

  void write_config(const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    out_ += "    config:\n";
    for (const auto& line : lines) out_ += fmt::format("      {}\n", line);
  }

  static void add_fields(const Step& step, std::vector<std::string>& lines) {
    for (const auto& [name, value] : step.fields) {
      if (value.is_null() || name == "_account") continue;
      lines.push_back(fmt::format("{}: {}", json::serialize(json::string(name)), inline_value(value)));
    }
  }

  std::string schedule() {
    return fmt::format("cron: {}", json::serialize(json::string(flow_.cron.empty() ? "*/10 * * * *" : flow_.cron)));
  }

  void write_trigger(const Step& step) {
    const auto command = command_of(step.command);
    std::vector<std::string> lines;
    if (installed::component_name(command.repository) == "webhook") {
      out_ += "    trigger: webhook.receive\n";
      write_config({"path: " + name_, "methods: [GET, POST, PUT, DELETE]"});
      note(step, "its URL is another now, and how callers are let in has to be said (auth)");
      return;
    }
    if (installed::component_name(command.repository) == "timer") {
      out_ += "    trigger: timer.tick\n";
      if (flow_.cron.empty()) note(step, "no schedule was said: every ten minutes");
      return write_config({schedule()});
    }
    const auto function = function_of(step, command, true);
    out_ += fmt::format("    trigger: {}\n", function);
    const auto* known = catalogue_.find(function);
    const bool polls = known == nullptr ? !flow_.is_long_running || !flow_.cron.empty()
                                        : known->descriptor.kind != component::Descriptor::Kind::webhook_trigger;
    lines.push_back(polls ? schedule() : "path: " + name_);
    if (polls && flow_.cron.empty()) note(step, "no schedule was said: every ten minutes");
    add_fields(step, lines);
    write_config(lines);
  }

  void write_action(const Step& step) {
    const auto command = command_of(step.command);
    const auto component = installed::component_name(command.repository);
    if (component == "router") {
      out_ +=
          "    action: jsonata.transform  # the router; which way messages go is said by \"when\" of the steps after "
          "it\n";
      return write_config({"expression: body"});
    }
    out_ += fmt::format("    action: {}\n", function_of(step, command, false));
    std::vector<std::string> lines;
    add_fields(step, lines);
    write_config(lines);
  }

  /// COMPONENT.FUNCTION; says what has to be installed for it.
  std::string function_of(const Step& step, const Command& command, bool is_trigger) {
    if (command.repository.empty() || command.function.empty()) {
      note(step, fmt::format("its command \"{}\" is not TEAM/REPOSITORY:FUNCTION", step.command));
      return is_trigger ? "timer.tick" : "message.log";
    }
    const auto component = installed::component_name(command.repository);
    const auto function = fmt::format("{}.{}", component, command.function);
    if (catalogue_.find(function) == nullptr) {
      note(step, fmt::format("{} is not installed (millrace component add PATH --name {}, with a copy of {})", function,
                             component, step.command));
    }
    return function;
  }

  void write_edges(const Step& step, const std::vector<const Edge*>& edges) {
    std::vector<std::string> before;
    for (const Edge* edge : edges) before.push_back(renamed_.at(edge->source));
    out_ += before.size() == 1 ? fmt::format("    after: {}\n", before.front())
                               : fmt::format("    after: [{}]\n", fmt::join(before, ", "));
    const Edge& edge = *edges.front();
    const auto differs = [&](const Edge* other) {
      return other->mapper != edge.mapper || other->condition != edge.condition;
    };
    if (std::any_of(edges.begin(), edges.end(), differs)) {
      note(step,
           fmt::format("messages from each step before it had their own mapping; that of {} is taken", before.front()));
    }
    std::vector<std::string> said;
    if (const auto condition = condition_text(edge, said); !condition.empty()) out_ += block("when", condition);
    const bool is_jsonata = edge.mapper_type.empty() || edge.mapper_type == "jsonata";
    const auto mapping = is_jsonata ? mapping_of(edge.mapper, renamed_, said) : std::string();
    if (!is_jsonata) {
      said.push_back(fmt::format("its mapper of type {}: {}", edge.mapper_type, json::serialize(edge.mapper)));
    }
    if (!mapping.empty()) out_ += block("input", mapping);
    for (const auto& what : said) {
      out_ += comment("not carried over: " + what, "    ");
      note(step, what);
    }
  }

  /// A way without a condition beside ways with one is for what no other takes.
  std::string condition_text(const Edge& edge, std::vector<std::string>& said) {
    if (!edge.condition.empty()) return condition_of(edge.condition, renamed_, said);
    std::vector<std::string> others;
    std::vector<std::string> ignored;
    for (const Edge& other : flow_.edges) {
      if (other.source != edge.source || other.condition.empty()) continue;
      const auto text = condition_of(other.condition, renamed_, ignored);
      if (!text.empty()) others.push_back(fmt::format("$boolean({})", text));
    }
    return others.empty() ? std::string() : fmt::format("$not({})", fmt::join(others, " or "));
  }

  void write_running(const Step& step, bool is_trigger) {
    const auto* config = flow_.configs.if_contains(step.id);
    if (config == nullptr || !config->is_object()) return;
    for (const auto& [name, value] : config->get_object()) {
      if (name == "replicas" && value.is_int64() && !is_trigger) {
        if (value.get_int64() > 1) out_ += fmt::format("    instances: {}\n", value.get_int64());
      } else if (name == "passthrough" || name == "persistent_messages" || name == "disable_dynamic_flow_control") {
        continue;  // What earlier steps emitted is carried where a mapping reads it; messages are always persistent.
      } else {
        note(step, fmt::format("its setting {}: {}", std::string_view(name), json::serialize(value)));
      }
    }
  }

  const ElasticioFlow& flow_;
  const component::Catalogue& catalogue_;
  std::string name_;
  Renamed renamed_;
  std::string out_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<Imported> import_elasticio(std::string_view text, const std::string& file,
                                  const component::Catalogue& catalogue) {
  const auto flows = read_elasticio_flows(text, file);
  if (!flows) return flows.error();
  Imported all;
  for (const auto& flow : *flows) {
    auto one = Translation(flow, catalogue).translate();
    if (!all.text.empty()) all.text += "---\n";
    all.text += one.text;
    for (auto& note : one.notes) all.notes.push_back(std::move(note));
  }
  return all;
}

}  // namespace millrace::imports
