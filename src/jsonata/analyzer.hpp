#pragma once

#include "jsonata/ast.hpp"

namespace millrace::jsonata {

/// Turns the parser's raw tree into the one that is evaluated: dots become paths of steps, predicates stages of their
/// step, `%` is tied to the step it looks up to, calls in tail position are marked.
/// Throws Failure S0209, S0210, S0213, S0215, S0216, S0217.
class Analyzer {
 public:
  explicit Analyzer(Program& program) : program_(program) {}
  Node* analyze(Node* root);

 private:
  Node* process(Node* raw);
  Node* process_kind(Node* raw);
  Node* path(Node* raw);
  Node* predicate(Node* raw);
  Node* group_by(Node* raw);
  Node* order_by(Node* raw);
  Node* focus_bind(Node* raw);
  Node* index_bind(Node* raw);
  Node* parent(Node* raw);
  Node* condition(Node* raw);
  Node* path_of(Node* step);
  Node* wrap_name(Node* name);
  AncestorSlot* seek_parent(Node* node, AncestorSlot* slot);
  void push_ancestry(Node* to, Node* from);
  void resolve_ancestry(Node* path);
  void mark_tail_calls(Node* body);

  Program& program_;
};

}  // namespace millrace::jsonata
