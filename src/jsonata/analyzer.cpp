#include "jsonata/analyzer.hpp"

#include <algorithm>

#include "jsonata/failure.hpp"
#include "jsonata/stack_guard.hpp"

namespace millrace::jsonata {
namespace {

std::string_view kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::parent:
      return "parent";
    case NodeKind::path:
      return "path";
    case NodeKind::name:
      return "name";
    case NodeKind::string:
      return "string";
    case NodeKind::number:
      return "number";
    case NodeKind::constant:
      return "value";
    case NodeKind::wildcard:
      return "wildcard";
    case NodeKind::descendants:
      return "descendant";
    case NodeKind::variable:
      return "variable";
    case NodeKind::negation:
    case NodeKind::array:
    case NodeKind::object:
      return "unary";
    case NodeKind::block:
      return "block";
    case NodeKind::condition:
      return "condition";
    case NodeKind::function:
      return "function";
    case NodeKind::partial:
      return "partial";
    case NodeKind::lambda:
      return "lambda";
    case NodeKind::bind:
      return "bind";
    case NodeKind::apply:
      return "apply";
    case NodeKind::sort:
      return "sort";
    case NodeKind::transform:
      return "transform";
    case NodeKind::regex:
      return "regex";
    default:
      return "binary";
  }
}

/// The reference's tree has no position on these.
bool has_position(NodeKind kind) {
  return kind != NodeKind::parent && kind != NodeKind::path;
}

}  // namespace

Node* Analyzer::analyze(Node* root) {
  Node* result = process(root);
  if (result->kind == NodeKind::parent || !result->seeking.empty())
    throw Failure{.code = "S0217",
                  .position = has_position(result->kind) ? result->position : Failure::no_position,
                  .token = Value::of(kind_name(result->kind))};
  return result;
}

Node* Analyzer::process(Node* raw) {
  guard_stack();
  bool keep_array = raw->keep_array;
  switch (raw->kind) {  // these have no name for messages
    case NodeKind::block:
    case NodeKind::lambda:
    case NodeKind::condition:
    case NodeKind::transform:
    case NodeKind::parent:
      raw->value = {};
      break;
    default:
      break;
  }
  Node* result = process_kind(raw);
  if (keep_array) result->keep_array = true;
  return result;
}

Node* Analyzer::path_of(Node* step) {
  Node& path = program_.nodes.emplace_back();
  path.kind = NodeKind::path;
  path.position = step->position;
  path.items.push_back(step);
  return &path;
}

Node* Analyzer::wrap_name(Node* name) {
  name->kind = NodeKind::name;
  name->key = Key::of(name->value.string());
  Node* path = path_of(name);
  path->keep_singleton_array = name->keep_array;
  return path;
}

Node* Analyzer::process_kind(Node* raw) {
  auto child = [&](Node*& node) {
    node = process(node);
    push_ancestry(raw, node);
  };
  switch (raw->kind) {
    case NodeKind::binary:
      if (raw->op == Operator::none) return path(raw);
      child(raw->left);
      child(raw->right);
      return raw;
    case NodeKind::predicate:
      return predicate(raw);
    case NodeKind::group_by:
      return group_by(raw);
    case NodeKind::order_by:
      return order_by(raw);
    case NodeKind::focus_bind:
      return focus_bind(raw);
    case NodeKind::index_bind:
      return index_bind(raw);
    case NodeKind::parent:
      return parent(raw);
    case NodeKind::end:
      throw Failure{.code = "S0207", .position = raw->position, .token = raw->value};
    case NodeKind::condition:
      return condition(raw);
    case NodeKind::name:
    case NodeKind::keyword:
      return wrap_name(raw);
    case NodeKind::array:
      for (Node*& item : raw->items) child(item);
      return raw;
    case NodeKind::object:
      for (Pair& pair : raw->pairs) {
        child(pair.key);
        child(pair.value);
      }
      return raw;
    case NodeKind::negation:
      raw->left = process(raw->left);
      if (raw->left->kind == NodeKind::number && raw->left->predicates.empty()) {
        raw->left->value.number = -raw->left->value.number;
        raw->left->position = raw->position;
        return raw->left;
      }
      push_ancestry(raw, raw->left);
      return raw;
    case NodeKind::block:
      for (Node*& part : raw->items) {
        child(part);
        if (part->constructs_array || (part->kind == NodeKind::path && part->items[0]->constructs_array))
          raw->constructs_array = true;
      }
      return raw;
    case NodeKind::function:
    case NodeKind::partial:
      for (Node*& argument : raw->items) child(argument);
      raw->left = process(raw->left);
      return raw;
    case NodeKind::lambda:
      raw->left = process(raw->left);
      mark_tail_calls(raw->left);
      return raw;
    case NodeKind::bind:
      raw->left = process(raw->left);
      raw->right = process(raw->right);
      push_ancestry(raw, raw->right);
      return raw;
    case NodeKind::apply:
      raw->left = process(raw->left);
      raw->right = process(raw->right);
      raw->keep_array = raw->left->keep_array || raw->right->keep_array;
      return raw;
    case NodeKind::transform:
      raw->left = process(raw->left);
      raw->right = process(raw->right);
      if (raw->third != nullptr) raw->third = process(raw->third);
      return raw;
    default:
      return raw;
  }
}

/// `then` may be the condition itself (`?:`) or its argument (`??`): each raw node is processed once.
Node* Analyzer::condition(Node* raw) {
  if (raw->left == raw->right) {
    raw->left = raw->right = process(raw->left);
  } else if (raw->left->kind == NodeKind::function && raw->left->items.size() == 1 &&
             raw->left->items[0] == raw->right) {
    raw->right = process(raw->right);
    raw->left->items[0] = raw->right;
    push_ancestry(raw->left, raw->right);
  } else {
    raw->left = process(raw->left);
    raw->right = process(raw->right);
  }
  push_ancestry(raw, raw->left);
  push_ancestry(raw, raw->right);
  if (raw->third != nullptr) {
    raw->third = process(raw->third);
    push_ancestry(raw, raw->third);
  }
  return raw;
}

Node* Analyzer::path(Node* raw) {
  Node* left = process(raw->left);
  Node* result = left->kind == NodeKind::path ? left : path_of(left);
  if (left->kind == NodeKind::parent) result->seeking.push_back(left->slot);
  Node* rest = process(raw->right);
  if (rest->kind == NodeKind::path) {
    result->items.insert(result->items.end(), rest->items.begin(), rest->items.end());
  } else {
    rest->stages.insert(rest->stages.end(), rest->predicates.begin(), rest->predicates.end());
    rest->predicates.clear();
    result->items.push_back(rest);
  }
  for (Node* step : result->items) {
    if (step->kind == NodeKind::number || step->kind == NodeKind::constant)
      throw Failure{.code = "S0213", .position = step->position, .value = step->value};
    if (step->kind == NodeKind::string) {
      step->kind = NodeKind::name;
      step->key = Key::of(step->value.string());
    }
    if (step->keep_array) result->keep_singleton_array = true;
  }
  for (Node* step : {result->items.front(), result->items.back()}) {
    if (step->kind == NodeKind::array) step->constructs_array = true;
  }
  resolve_ancestry(result);
  return result;
}

Node* Analyzer::predicate(Node* raw) {
  Node* result = process(raw->left);
  Node* step = result->kind == NodeKind::path ? result->items.back() : result;
  if (step->group != nullptr) throw Failure{.code = "S0209", .position = raw->position};
  std::vector<Stage>& list = result->kind == NodeKind::path ? step->stages : step->predicates;
  Node* filter = process(raw->right);
  if (!filter->seeking.empty()) {
    for (AncestorSlot* slot : filter->seeking) {
      if (slot->level == 1) {
        seek_parent(step, slot);
      } else {
        --slot->level;
      }
    }
    push_ancestry(step, filter);
  }
  list.push_back(Stage{filter, {}});
  return result;
}

Node* Analyzer::group_by(Node* raw) {
  Node* result = process(raw->left);
  if (result->group != nullptr) throw Failure{.code = "S0210", .position = raw->position};
  result->group = std::make_unique<Group>();
  result->group->position = raw->position;
  for (const Pair& pair : raw->pairs) {
    Node* key = process(pair.key);
    result->group->pairs.push_back({key, process(pair.value)});
  }
  return result;
}

Node* Analyzer::order_by(Node* raw) {
  Node* result = process(raw->left);
  if (result->kind != NodeKind::path) result = path_of(result);
  Node& sort = program_.nodes.emplace_back();
  sort.kind = NodeKind::sort;
  sort.position = raw->position;
  for (SortTerm term : raw->terms) {
    term.expression = process(term.expression);
    push_ancestry(&sort, term.expression);
    sort.terms.push_back(term);
  }
  result->items.push_back(&sort);
  resolve_ancestry(result);
  return result;
}

Node* Analyzer::focus_bind(Node* raw) {
  Node* result = process(raw->left);
  Node* step = result->kind == NodeKind::path ? result->items.back() : result;
  if (!step->stages.empty() || !step->predicates.empty()) throw Failure{.code = "S0215", .position = raw->position};
  if (step->kind == NodeKind::sort) throw Failure{.code = "S0216", .position = raw->position};
  if (raw->keep_array) step->keep_array = true;
  step->focus_name = raw->right->value.string();
  step->is_tuple = true;
  program_.tuple_names.push_back(step->focus_name);
  return result;
}

Node* Analyzer::index_bind(Node* raw) {
  Node* result = process(raw->left);
  Node* step = result;
  if (result->kind == NodeKind::path) {
    step = result->items.back();
  } else {
    result = path_of(result);
    step->stages.insert(step->stages.end(), step->predicates.begin(), step->predicates.end());
    step->predicates.clear();
  }
  std::string_view name = raw->right->value.string();
  if (step->stages.empty()) {
    step->index_name = name;
  } else {
    step->stages.push_back(Stage{nullptr, name});
  }
  step->is_tuple = true;
  program_.tuple_names.push_back(name);
  return result;
}

Node* Analyzer::parent(Node* raw) {
  AncestorSlot& slot = program_.ancestors.emplace_back();
  slot.index = program_.ancestors.size() - 1;
  slot.label = "!" + std::to_string(slot.index);
  raw->slot = &slot;
  return raw;
}

AncestorSlot* Analyzer::seek_parent(Node* node, AncestorSlot* slot) {
  switch (node->kind) {
    case NodeKind::name:
    case NodeKind::wildcard:
      --slot->level;
      if (slot->level == 0) {
        if (node->ancestor != nullptr) slot->label = node->ancestor->label;
        node->ancestor = slot;
        node->is_tuple = true;
      }
      return slot;
    case NodeKind::parent:
      ++slot->level;
      return slot;
    case NodeKind::block:
      if (!node->items.empty()) {
        node->is_tuple = true;
        return seek_parent(node->items.back(), slot);
      }
      return slot;
    case NodeKind::path: {
      node->is_tuple = true;
      std::size_t index = node->items.size() - 1;
      slot = seek_parent(node->items[index], slot);
      while (slot->level > 0 && index > 0) slot = seek_parent(node->items[--index], slot);
      return slot;
    }
    default:
      throw Failure{.code = "S0217", .position = node->position, .token = Value::of(kind_name(node->kind))};
  }
}

void Analyzer::push_ancestry(Node* to, Node* from) {
  std::vector<AncestorSlot*> slots = from->seeking;
  if (from->kind == NodeKind::parent) slots.push_back(from->slot);
  for (AncestorSlot* slot : slots) {
    if (std::find(to->seeking.begin(), to->seeking.end(), slot) == to->seeking.end()) to->seeking.push_back(slot);
  }
}

void Analyzer::resolve_ancestry(Node* path) {
  Node* last = path->items.back();
  std::vector<AncestorSlot*> slots = last->seeking;
  if (last->kind == NodeKind::parent) slots.push_back(last->slot);
  for (AncestorSlot* slot : slots) {
    std::size_t index = path->items.size() - 1;  // one above the step looked at next
    while (slot->level > 0) {
      if (index == 0) {
        path->seeking.push_back(slot);
        break;
      }
      Node* step = path->items[--index];
      while (index > 0 && !step->focus_name.empty() && !path->items[index - 1]->focus_name.empty())
        step = path->items[--index];
      slot = seek_parent(step, slot);
    }
  }
}

void Analyzer::mark_tail_calls(Node* body) {
  if (!body->predicates.empty() || body->group != nullptr || body->keep_array) return;
  if (body->kind == NodeKind::function) {
    body->is_tail = true;
  } else if (body->kind == NodeKind::condition) {
    // The left side of `?:` and `??` is evaluated for the condition, too: there no call may be put off.
    const bool shared =
        body->right == body->left || (body->left->kind == NodeKind::function && body->left->items.size() == 1 &&
                                      body->left->items[0] == body->right);
    if (!shared) mark_tail_calls(body->right);
    if (body->third != nullptr) mark_tail_calls(body->third);
  } else if (body->kind == NodeKind::block && !body->items.empty()) {
    mark_tail_calls(body->items.back());
  }
}

}  // namespace millrace::jsonata
