#pragma once

#include "jsonata/ast.hpp"
#include "jsonata/lexer.hpp"

namespace millrace::jsonata {

/// Top-down operator precedence parser: tokens to a raw tree, which the Analyzer turns into the one that is evaluated.
/// Throws Failure S02xx; U1001 when nested too deeply.
class Parser {
 public:
  explicit Parser(Program& program);
  Node* parse();

 private:
  Node* make(NodeKind kind, std::int64_t position);
  void advance(bool after_operand = false);
  void expect(std::string_view op, bool after_operand = false);
  Node* expression(int binding_power);
  Node* prefix(const Token& token);
  Node* infix(const Token& token, Node* left);
  Node* variable_infix(const Token& token, Node* left);
  Node* binary(const Token& token, Node* left, Operator op, int binding_power);
  Node* call(const Token& token, Node* left);
  Node* lambda(Node* function);
  Node* predicate(const Token& token, Node* left);
  Node* array(const Token& token);
  Node* block(const Token& token);
  Node* order_by(const Token& token, Node* left);
  Node* transform(const Token& token);
  void pairs(Node& node);

  Program& program_;
  Lexer lexer_;
  Token token_;
  int depth_ = 0;
};

}  // namespace millrace::jsonata
