#include <algorithm>

#include "jsonata/analyzer.hpp"
#include "jsonata/ast.hpp"
#include "jsonata/functions/library.hpp"
#include "jsonata/parser.hpp"
#include "jsonata/stack_guard.hpp"

namespace millrace::jsonata {
namespace {

/// Gives every block and lambda its scope, every variable the places it may be bound at, and notes what the source
/// mentions and what nothing defines. Runs after the Analyzer.
class Resolver {
 public:
  Resolver(Program& program, const Scope* outer) : program_(program), outer_(outer) {}
  void resolve();

 private:
  template <class Visit>
  void each_child(Node* node, Visit visit);
  void declare(Node* node, Scope* scope);
  static void declare_parameters(const Node* lambda, Scope* scope);
  void link(Node* node, Scope* scope);
  void link_variable(Node* node, Scope* scope, bool called);
  static void add_name(Scope* scope, std::string_view name);
  Scope* make_scope(Scope* outer);

  Program& program_;
  const Scope* outer_;
};

}  // namespace

void Resolver::resolve() {
  program_.root_scope = make_scope(const_cast<Scope*>(outer_));
  declare(program_.root, program_.root_scope);
  link(program_.root, program_.root_scope);
  std::sort(program_.names.begin(), program_.names.end());
  program_.names.erase(std::unique(program_.names.begin(), program_.names.end()), program_.names.end());
}

Scope* Resolver::make_scope(Scope* outer) {
  Scope& scope = program_.scopes.emplace_back();
  scope.outer = outer;
  return &scope;
}

void Resolver::add_name(Scope* scope, std::string_view name) {
  if (scope->slot_of(name) < 0) scope->names.push_back(name);
}

template <class Visit>
void Resolver::each_child(Node* node, Visit visit) {
  guard_stack();
  if (node->left != nullptr) visit(node->left);
  if (node->right != nullptr && node->right != node->left) visit(node->right);
  if (node->third != nullptr) visit(node->third);
  if (node->kind != NodeKind::lambda) {
    for (Node* item : node->items) visit(item);
  }
  for (const Pair& pair : node->pairs) {
    visit(pair.key);
    visit(pair.value);
  }
  if (node->group != nullptr) {
    for (const Pair& pair : node->group->pairs) {
      visit(pair.key);
      visit(pair.value);
    }
  }
  for (const SortTerm& term : node->terms) visit(term.expression);
  for (const Stage& stage : node->stages) {
    if (stage.filter != nullptr) visit(stage.filter);
  }
  for (const Stage& stage : node->predicates) {
    if (stage.filter != nullptr) visit(stage.filter);
  }
}

void Resolver::declare_parameters(const Node* lambda, Scope* scope) {
  for (const Node* parameter : lambda->items) {
    std::string_view name = parameter->value.string();
    int earlier = scope->slot_of(name);
    if (earlier >= 0) scope->names[static_cast<std::size_t>(earlier)] = {};  // the later of two equal names counts
    scope->names.push_back(name);
  }
}

void Resolver::declare(Node* node, Scope* scope) {
  Scope* inner = scope;
  if (node->kind == NodeKind::block || node->kind == NodeKind::lambda) {
    const bool first_visit = node->scope == nullptr;  // the left side of `??` and `?:` is visited twice
    if (first_visit) node->scope = make_scope(scope);
    inner = node->scope;
    if (first_visit && node->kind == NodeKind::lambda) declare_parameters(node, inner);
  }
  bool captures = node->kind == NodeKind::lambda || node->kind == NodeKind::transform;
  if (node->kind == NodeKind::variable && node->value.string() == "eval") captures = program_.uses_eval = true;
  if (captures) {
    for (Scope* s = scope; s != nullptr && s != outer_; s = s->outer) s->captured = true;
  }
  if (node->kind == NodeKind::bind) add_name(scope, node->left->value.string());
  if (node->kind == NodeKind::path) {
    node->plain_names = node->group == nullptr && !node->is_tuple &&
                        std::all_of(node->items.begin(), node->items.end(), [](const Node* step) {
                          return step->kind == NodeKind::name && step->stages.empty() && step->predicates.empty() &&
                                 step->group == nullptr && !step->is_tuple;
                        });
  }
  node->boxed = !node->predicates.empty() || (node->group != nullptr && node->kind != NodeKind::path);
  // Predicates and groups of a block stand outside its parentheses.
  each_child(node, [&](Node* child) {
    bool outside =
        std::any_of(node->predicates.begin(), node->predicates.end(),
                    [&](const Stage& s) { return s.filter == child; }) ||
        std::any_of(node->stages.begin(), node->stages.end(), [&](const Stage& s) { return s.filter == child; });
    declare(child, outside ? scope : inner);
  });
}

void Resolver::link(Node* node, Scope* scope) {
  if (node->kind == NodeKind::variable) {
    link_variable(node, scope, false);
  } else if (node->kind == NodeKind::name) {
    program_.names.push_back(node->value.string());
  }
  Scope* inner = node->scope != nullptr ? node->scope : scope;
  if (node->kind == NodeKind::function || node->kind == NodeKind::partial) {
    if (node->left->kind == NodeKind::variable) {
      node->left->candidates.clear();
      link_variable(node->left, scope, true);
    }
  }
  each_child(node, [&](Node* child) {
    if (child->kind == NodeKind::variable && child->candidates.size() + (child->builtin != nullptr) > 0 &&
        child == node->left && (node->kind == NodeKind::function || node->kind == NodeKind::partial)) {
      if (child->predicates.empty() && child->stages.empty()) return;
    }
    bool outside =
        std::any_of(node->predicates.begin(), node->predicates.end(),
                    [&](const Stage& s) { return s.filter == child; }) ||
        std::any_of(node->stages.begin(), node->stages.end(), [&](const Stage& s) { return s.filter == child; });
    link(child, outside ? scope : inner);
  });
}

void Resolver::link_variable(Node* node, Scope* scope, bool called) {
  std::string_view name = node->value.string();
  node->candidates.clear();
  const auto& tuple_names = program_.tuple_names;
  // What stands around an `$eval` may bind any name.
  node->maybe_tuple_name =
      program_.of_eval || std::find(tuple_names.begin(), tuple_names.end(), name) != tuple_names.end();
  if (name.empty()) return;
  const bool root = name == "$";
  if (!root) program_.names.push_back(std::string_view(name.data() - 1, name.size() + 1));
  for (const Scope* s = scope; s != nullptr; s = s->outer) {
    int slot = s->slot_of(name);
    if (slot >= 0) node->candidates.push_back({s, static_cast<std::uint32_t>(slot)});
  }
  node->builtin = find_builtin(name);
  if (node->candidates.empty() && node->builtin == nullptr && !root) {
    if (!node->maybe_tuple_name) program_.unbound.push_back({name, node->position, called});
    add_name(program_.root_scope, name);
    node->candidates.push_back({program_.root_scope, static_cast<std::uint32_t>(program_.root_scope->slot_of(name))});
  }
}

void compile_program(Program& program, const Scope* outer) {
  Parser parser(program);
  Analyzer analyzer(program);
  program.root = analyzer.analyze(parser.parse());
  Resolver(program, outer).resolve();
}

}  // namespace millrace::jsonata
