#include "flow/read_flow.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "flow/draft.hpp"
#include "flow/read_history.hpp"
#include "flow/running.hpp"

namespace millrace::flow {
namespace {

/// "$schema" is what editors look for in JSON files.
const std::vector<std::string> flow_fields = {"name", "steps", "driver", "limits", "history", "$schema"};

void read_name(Reading& reading, const Node& root, LoadedFlow& loaded) {
  const Node* name = root.find("name");
  loaded.name_at = reading.source().position(name == nullptr ? root.offset : name->offset);
  if (name == nullptr) {
    reading.problem(root, "name", "missing", "add \"name\": what the flow is called");
  } else if (name->kind != Node::Kind::text) {
    reading.problem(*name, "name",
                    name->kind == Node::Kind::null ? "is empty" : "must be text, but is " + describe(*name));
  } else if (!is_flow_name(name->text)) {
    reading.problem(*name, "name", fmt::format("\"{}\" cannot be a flow's name", name->text),
                    "use lower-case letters, digits and -, beginning with a letter or digit, at most 63");
  } else {
    loaded.flow.name = name->text;
  }
}

std::vector<Draft> read_steps(Reading& reading, const Node& root, const Running& of_flow) {
  std::vector<Draft> drafts;
  const Node* steps = root.find("steps");
  if (steps == nullptr) {
    reading.problem(root, "steps", "missing", "add \"steps\": a trigger and the actions after it");
    return drafts;
  }
  if (steps->kind != Node::Kind::list || steps->items.empty()) {
    reading.problem(*steps, "steps",
                    "must be a list of a trigger and the actions after it, but is " +
                        (steps->kind == Node::Kind::list ? std::string("empty") : describe(*steps)));
    return drafts;
  }
  if (steps->items.size() > steps_max) {
    reading.problem(*steps, "steps",
                    fmt::format("has {} steps, more than the {} allowed", steps->items.size(), steps_max),
                    "make several flows of it");
    return drafts;
  }
  bool readable = true;
  for (std::size_t i = 0; i < steps->items.size(); ++i) {
    auto draft = read_step(reading, steps->items[i], fmt::format("steps[{}]", i), of_flow);
    readable = readable && draft.has_value();
    if (draft) drafts.push_back(std::move(*draft));
  }
  if (readable) check_graph(reading, root, drafts);
  return drafts;
}

/// A template in a text ("{{ passthrough.x }}") reads it as well.
bool mentions_in_template(const boost::json::value& value) {
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    return text.find("{{") != std::string_view::npos && text.find("passthrough") != std::string_view::npos;
  }
  if (value.is_array()) return std::any_of(value.get_array().begin(), value.get_array().end(), mentions_in_template);
  if (!value.is_object()) return false;
  const auto& object = value.get_object();
  return std::any_of(object.begin(), object.end(),
                     [](const auto& entry) { return mentions_in_template(entry.value()); });
}

}  // namespace

std::optional<LoadedFlow> read_flow(Reading& reading, const NodePtr& root) {
  if (root->kind != Node::Kind::mapping) {
    reading.problem(*root, "", "a flow must be a mapping with \"name\" and \"steps\", but this is " + describe(*root));
    return std::nullopt;
  }
  LoadedFlow loaded;
  loaded.flow.at = reading.source().position(root->offset);
  reading.check_keys(*root, "", flow_fields);
  read_name(reading, *root, loaded);
  const Running running = read_running(reading, *root, "", {});
  if (const Node* history = root->find("history")) loaded.flow.history = read_history(reading, *history);
  std::vector<Draft> drafts = read_steps(reading, *root, running);
  for (Draft& draft : drafts) {
    loaded.flow.passthrough = loaded.flow.passthrough || draft.passthrough || mentions_in_template(draft.step.config);
    if (draft.step.is_trigger) {
      const Node* config = draft.node->find("config");
      const Node* path = config == nullptr ? nullptr : config->find("path");
      loaded.webhook_at = reading.source().position(path == nullptr ? draft.node->offset : path->offset);
    }
    loaded.flow.steps.push_back(std::move(draft.step));
  }
  return loaded;
}

}  // namespace millrace::flow
