#include <algorithm>

#include <fmt/format.h>

#include "core/nearest.hpp"
#include "flow/config.hpp"
#include "flow/draft.hpp"
#include "flow/expression.hpp"
#include "flow/running.hpp"
#include "flow/value.hpp"
#include "jsonata/expression.hpp"

namespace millrace::flow {
namespace {

const std::vector<std::string> step_fields = {"id",     "trigger",    "action",    "after",       "config", "input",
                                              "when",   "ordered_by", "instances", "concurrency", "retry",  "park",
                                              "driver", "image",      "limits",    "credential"};

bool is_name(std::string_view name, std::string_view signs) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (name.empty() || name.size() > 63 || letters.find(name[0]) == std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letters.find(c) != std::string_view::npos || signs.find(c) != std::string_view::npos;
  });
}

bool is_text(Reading& reading, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::text) return true;
  reading.problem(node, path, node.kind == Node::Kind::null ? "is empty" : "must be text, but is " + describe(node));
  return false;
}

void read_id(Reading& reading, Draft& draft) {
  const std::string path = join(draft.path, "id");
  const Node* node = draft.node->find("id");
  if (node == nullptr) {
    reading.problem(*draft.node, path, "missing", "add \"id\": the step's name, by which other steps refer to it");
    return;
  }
  draft.id_offset = node->offset;
  if (!is_text(reading, *node, path)) return;
  draft.step.id = node->text;
  if (!is_step_id(node->text)) {
    reading.problem(*node, path, fmt::format("\"{}\" cannot be a step's id", node->text),
                    "use lower-case letters, digits, - and _, beginning with a letter or digit, at most 63");
  } else if (node->text == "dead-letters") {
    reading.problem(*node, path, "\"dead-letters\" is the name of the flow's dead-letter queue", "choose another id");
  }
}

std::vector<std::string> names_of(const component::Catalogue& catalogue, bool triggers) {
  std::vector<std::string> names;
  for (const auto& function : catalogue.all()) {
    if (function.descriptor.is_trigger() == triggers) names.push_back(function.descriptor.full_name());
  }
  return names;
}

void read_function(Reading& reading, Draft& draft) {
  const Node* trigger = draft.node->find("trigger");
  const Node* action = draft.node->find("action");
  draft.step.is_trigger = trigger != nullptr;
  if (trigger != nullptr && action != nullptr) {
    reading.problem(*action, join(draft.path, "action"), "a step is either a trigger or an action, not both",
                    "make two steps of it");
    return;
  }
  if (trigger == nullptr && action == nullptr) {
    reading.problem(*draft.node, draft.path, "has neither \"trigger\" nor \"action\"",
                    "add \"action: COMPONENT.FUNCTION\"; `millrace component list` shows what there is");
    return;
  }
  const Node& node = trigger != nullptr ? *trigger : *action;
  const std::string path = join(draft.path, trigger != nullptr ? "trigger" : "action");
  if (!is_text(reading, node, path)) return;
  draft.step.function = node.text;
  const component::Function* function = reading.catalogue().find(node.text);
  if (function == nullptr && action != nullptr && draft.node->find("image") != nullptr &&
      is_foreign_function(node.text)) {
    draft.foreign = true;
    return;
  }
  if (function == nullptr) {
    reading.problem(node, path,
                    fmt::format("there is no {} \"{}\"", trigger != nullptr ? "trigger" : "action", node.text),
                    suggestion(node.text, names_of(reading.catalogue(), trigger != nullptr)));
    return;
  }
  draft.function = function;
  draft.step.kind = function->descriptor.kind;
  draft.step.has_worker = function->descriptor.has_worker();
  if (function->descriptor.is_trigger() && trigger == nullptr) {
    reading.problem(node, path, fmt::format("{} is a trigger, not an action", node.text),
                    fmt::format("write \"trigger: {}\", in the flow's first step", node.text));
  } else if (!function->descriptor.is_trigger() && trigger != nullptr) {
    reading.problem(node, path, fmt::format("{} is an action, not a trigger", node.text),
                    fmt::format("write \"action: {}\" and \"after:\"", node.text));
  }
}

void read_after(Reading& reading, Draft& draft) {
  const std::string path = join(draft.path, "after");
  const Node* node = draft.node->find("after");
  if (draft.step.is_trigger) {
    if (node != nullptr) {
      reading.problem(*node, path, "a trigger begins the flow, it stands after nothing", "remove \"after\"");
    }
    return;
  }
  if (node == nullptr || node->kind == Node::Kind::null || (node->kind == Node::Kind::list && node->items.empty())) {
    draft.sound = false;
    reading.problem(node == nullptr ? *draft.node : *node, path, node == nullptr ? "missing" : "is empty",
                    "name the step or steps whose messages come here");
    return;
  }
  const auto add = [&](const Node& item, const std::string& item_path) {
    if (!is_text(reading, item, item_path)) {
      draft.sound = false;
      return;
    }
    const bool repeated =
        std::find(draft.step.after.begin(), draft.step.after.end(), item.text) != draft.step.after.end();
    if (repeated) {
      reading.problem(item, item_path, fmt::format("\"{}\" stands here twice", item.text), "keep one of them");
      return;
    }
    draft.step.after.push_back(item.text);
    draft.after.push_back({item.text, item.offset});
  };
  if (node->kind != Node::Kind::list) {
    add(*node, path);
    return;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) add(*node->items[i], fmt::format("{}[{}]", path, i));
}

/// The key is found out by the platform, before any worker has the message, and must be the same each time.
void read_order(Reading& reading, Draft& draft, const Node& node, const std::string& path,
                std::optional<Mapping> mapping) {
  if (draft.foreign) {
    reading.problem(
        node, path,
        fmt::format("{} is known to its image only, which may put messages back out of order", draft.step.function),
        "remove \"ordered_by\", or let an action of Millrace's own or of an installed component do the work");
    return;
  }
  if (!reading.otherwise().orders) {
    reading.problem(node, path, "RabbitMQ, which keeps this platform's queues, cannot hand out messages by key",
                    "remove \"ordered_by\" and give the step one instance and concurrency 1, or run the flow on a "
                    "platform without --amqp");
    return;
  }
  if (!mapping) return;
  const auto compiled = jsonata::Expression::compile(mapping->source);
  for (const char* name : {"$eval", "$env", "$flow", "$step", "$execution", "$now", "$millis", "$random", "$shuffle"}) {
    if (!compiled || !compiled->mentions(name)) continue;
    reading.problem(node, path, fmt::format("{} cannot be part of a key", name),
                    "make the key from the message alone, so that it is the same each time");
    return;
  }
  draft.step.ordered_by = std::move(mapping);
}

void read_mappings(Reading& reading, Draft& draft) {
  for (const char* name : {"input", "when", "ordered_by"}) {
    const Node* node = draft.node->find(name);
    if (node == nullptr) continue;
    const std::string path = join(draft.path, name);
    if (draft.step.is_trigger) {
      reading.problem(*node, path, "a trigger has no incoming message to apply this to",
                      "put it into the steps after it");
      continue;
    }
    auto mapping = read_expression(reading, *node, path, draft.passthrough);
    if (std::string_view(name) == "ordered_by") {
      read_order(reading, draft, *node, path, std::move(mapping));
    } else {
      (std::string_view(name) == "input" ? draft.step.input : draft.step.when) = std::move(mapping);
    }
  }
}

void read_concurrency(Reading& reading, Draft& draft) {
  const Node* node = draft.node->find("concurrency");
  if (node == nullptr) return;
  const std::string path = join(draft.path, "concurrency");
  if (draft.step.is_trigger) {
    reading.problem(*node, path, "a trigger has one thing in work at a time",
                    "put \"concurrency\" into the actions after it");
  } else if (const auto value = read_integer(reading, *node, path, 1, concurrency_max)) {
    draft.step.concurrency = static_cast<std::uint32_t>(*value);
  }
}

void read_park(Reading& reading, Draft& draft) {
  const Node* node = draft.node->find("park");
  if (node == nullptr) return;
  const std::string path = join(draft.path, "park");
  if (draft.step.is_trigger) {
    reading.problem(*node, path, "a trigger has no messages that could wait", "put \"park\" into the actions after it");
    return;
  }
  component::Field field;
  field.name = "park";
  field.type = component::Field::Type::boolean;
  bool passthrough = false;
  if (const auto value = read_value(reading, *node, path, field, passthrough)) draft.step.parks = value->as_bool();
}

void read_running_of_step(Reading& reading, Draft& draft, const Running& of_flow) {
  const bool has_worker = draft.function == nullptr || draft.function->descriptor.has_worker();
  if (has_worker) {
    draft.step.running = read_running(reading, *draft.node, draft.path, of_flow);
    return;
  }
  for (const char* name : {"driver", "image", "limits"}) {
    const Node* node = draft.node->find(name);
    if (node == nullptr) continue;
    reading.problem(*node, join(draft.path, name), fmt::format("{} has no worker of its own", draft.step.function),
                    fmt::format("put \"{}\" into the steps after it", name));
  }
}

/// A field of config that says what the credential says, too.
void check_beside_credential(Reading& reading, const Draft& draft) {
  const Node* config = draft.node->find("config");
  if (config == nullptr || config->kind != Node::Kind::mapping) return;
  for (const std::string& name : draft.function->descriptor.credential_replaces) {
    const Node* field = config->find(name);
    if (field == nullptr) continue;
    reading.problem(*field, join(join(draft.path, "config"), name),
                    "stands beside \"credential\", which says how to log in", "keep one of the two");
  }
}

/// With what a credential says in its place not required.
component::Descriptor logged_in(component::Descriptor descriptor) {
  for (auto& field : descriptor.fields) {
    const auto& replaced = descriptor.credential_replaces;
    if (std::ranges::find(replaced, field.name) != replaced.end()) field.required = false;
  }
  return descriptor;
}

void read_credential(Reading& reading, Draft& draft) {
  const Node* node = draft.node->find("credential");
  if (node == nullptr) return;
  const std::string path = join(draft.path, "credential");
  draft.step.credential_at = reading.source().position(node->offset);
  if (draft.function != nullptr && draft.function->descriptor.credential_types.empty()) {
    reading.problem(*node, path, fmt::format("{} takes no credential", draft.step.function), "remove it");
    return;
  }
  if (!is_text(reading, *node, path)) return;
  if (!is_credential_name(node->text)) {
    reading.problem(*node, path, fmt::format("\"{}\" cannot be a credential's name", node->text),
                    "write the name that `millrace credential list` shows: lower-case letters, digits, - and _");
    return;
  }
  draft.step.credential = node->text;
  if (draft.function != nullptr) check_beside_credential(reading, draft);
}

/// What only an image understands is passed on as it stands, its variables replaced.
void read_foreign_config(Reading& reading, Draft& draft) {
  const Node* config = draft.node->find("config");
  if (config == nullptr || config->kind == Node::Kind::null) return;
  const std::string path = join(draft.path, "config");
  if (config->kind != Node::Kind::mapping) {
    reading.problem(*config, path, "must be a mapping, but is " + describe(*config));
    return;
  }
  auto value = read_any(reading, *config, path);
  if (value && value->is_object()) draft.step.config = std::move(value->as_object());
}

}  // namespace

bool is_flow_name(std::string_view name) {
  return is_name(name, "-");
}
bool is_step_id(std::string_view id) {
  return is_name(id, "-_");
}
bool is_credential_name(std::string_view name) {
  return is_name(name, "-_");
}

std::optional<Draft> read_step(Reading& reading, const NodePtr& node, const std::string& path, const Running& of_flow) {
  if (node->kind != Node::Kind::mapping) {
    reading.problem(*node, path, "a step must be a mapping, but is " + describe(*node),
                    "write \"- id: NAME\" and its fields below");
    return std::nullopt;
  }
  Draft draft;
  draft.path = path;
  draft.node = node;
  draft.id_offset = node->offset;
  draft.step.at = reading.source().position(node->offset);
  reading.check_keys(*node, path, step_fields);
  read_id(reading, draft);
  read_function(reading, draft);
  read_after(reading, draft);
  if (draft.function != nullptr) {
    const auto& descriptor = draft.function->descriptor;
    const bool logs_in = node->find("credential") != nullptr && !descriptor.credential_replaces.empty();
    draft.step.config = read_config(reading, node->find("config"), *node, join(path, "config"),
                                    logs_in ? logged_in(descriptor) : descriptor, draft.passthrough);
  }
  if (draft.foreign) read_foreign_config(reading, draft);
  read_credential(reading, draft);
  read_running_of_step(reading, draft, of_flow);
  read_mappings(reading, draft);
  read_instances(reading, draft);
  read_concurrency(reading, draft);
  read_retry(reading, draft);
  read_park(reading, draft);
  return draft;
}

}  // namespace millrace::flow
