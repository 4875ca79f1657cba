#pragma once

#include "jsonata/ast.hpp"

namespace millrace::jsonata {

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
  void link(Node* node, Scope* scope);
  void link_variable(Node* node, Scope* scope, bool called);
  static void add_name(Scope* scope, std::string_view name);
  Scope* make_scope(Scope* outer);

  Program& program_;
  const Scope* outer_;
};

}  // namespace millrace::jsonata
