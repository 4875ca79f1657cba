#include "jsonata/parser.hpp"

#include <string>

#include "jsonata/failure.hpp"
#include "jsonata/regex_program.hpp"
#include "jsonata/stack_guard.hpp"

namespace millrace::jsonata {
namespace {

constexpr int depth_max = 1'000;
constexpr std::size_t nodes_max = 100'000;  // some 50 MB; half a megabyte of source

struct Infix {
  std::string_view text;
  int binding_power;
  Operator op;
};
constexpr Infix infixes[] = {
    {".", 75, Operator::none},        {"[", 80, Operator::none},          {"{", 70, Operator::none},
    {"(", 80, Operator::none},        {"@", 80, Operator::none},          {"#", 80, Operator::none},
    {"?", 20, Operator::none},        {"+", 50, Operator::add},           {"-", 50, Operator::subtract},
    {"*", 60, Operator::multiply},    {"/", 60, Operator::divide},        {"%", 60, Operator::modulo},
    {"=", 40, Operator::equal},       {"<", 40, Operator::less},          {">", 40, Operator::greater},
    {"!=", 40, Operator::not_equal},  {"<=", 40, Operator::less_equal},   {">=", 40, Operator::greater_equal},
    {"&", 50, Operator::concatenate}, {"and", 30, Operator::logical_and}, {"or", 25, Operator::logical_or},
    {"in", 40, Operator::in},         {"^", 40, Operator::none},          {"~>", 40, Operator::none},
    {":=", 10, Operator::none},       {"?:", 40, Operator::none},         {"??", 40, Operator::none},
};

const Infix* infix_of(const Token& token) {
  if (token.kind != Token::Kind::op) return nullptr;
  for (const Infix& infix : infixes) {
    if (infix.text == token.value.string()) return &infix;
  }
  return nullptr;
}

int binding_power_of(const Token& token) {
  const Infix* infix = infix_of(token);
  return infix == nullptr ? 0 : infix->binding_power;
}

/// Tokens that have no meaning of their own in the grammar, at no place.
bool is_unknown(std::string_view op) {
  return op == "!" || op == "~";
}

}  // namespace

Parser::Parser(Program& program) : program_(program), lexer_(program.arena, program.source) {}

Node* Parser::make(NodeKind kind, std::int64_t position) {
  if (program_.nodes.size() >= nodes_max) throw Failure{.code = "U1002", .position = position};
  Node& node = program_.nodes.emplace_back();
  node.kind = kind;
  node.position = position;
  return &node;
}

void Parser::advance(bool after_operand) {
  token_ = lexer_.next(after_operand);
  if (token_.kind == Token::Kind::op && is_unknown(token_.value.string()))
    throw Failure{.code = "S0204", .position = token_.position, .token = token_.value};
}

void Parser::expect(std::string_view op, bool after_operand) {
  if (!token_.is(op)) {
    const char* code = token_.kind == Token::Kind::end ? "S0203" : "S0202";
    throw Failure{.code = code, .position = token_.position, .token = token_.value, .value = Value::of(op)};
  }
  advance(after_operand);
}

Node* Parser::parse() {
  advance();
  Node* root = expression(0);
  if (token_.kind != Token::Kind::end)
    throw Failure{.code = "S0201", .position = token_.position, .token = token_.value};
  return root;
}

Node* Parser::expression(int binding_power) {
  if (++depth_ > depth_max) throw Failure{.code = "U1001", .position = token_.position};
  guard_stack();
  Token token = token_;
  advance(true);
  Node* left = prefix(token);
  while (binding_power < binding_power_of(token_)) {
    token = token_;
    advance();
    left = infix(token, left);
  }
  --depth_;
  return left;
}

Node* Parser::prefix(const Token& token) {
  Node* node = make(NodeKind::name, token.position);
  node->value = token.value;
  switch (token.kind) {
    case Token::Kind::end:
      node->kind = NodeKind::end;
      return node;
    case Token::Kind::name:
    case Token::Kind::quoted_name:
      return node;
    case Token::Kind::variable:
      node->kind = NodeKind::variable;
      return node;
    case Token::Kind::string:
      node->kind = NodeKind::string;
      return node;
    case Token::Kind::number:
      node->kind = NodeKind::number;
      return node;
    case Token::Kind::constant:
      node->kind = NodeKind::constant;
      return node;
    case Token::Kind::regex:
      node->kind = NodeKind::regex;
      node->regex = std::make_unique<RegexProgram>(token.value.string(), token.regex_flags, token.position);
      return node;
    case Token::Kind::op:
      break;
  }
  std::string_view op = token.value.string();
  if (op == "(") return block(token);
  if (op == "[") return array(token);
  if (op == "|") return transform(token);
  if (op == "{") {
    node->kind = NodeKind::object;
    pairs(*node);
    return node;
  }
  if (op == "-") {
    node->kind = NodeKind::negation;
    node->left = expression(70);
    return node;
  }
  if (op == "*")
    node->kind = NodeKind::wildcard;
  else if (op == "**")
    node->kind = NodeKind::descendants;
  else if (op == "%")
    node->kind = NodeKind::parent;
  else if (op == "and" || op == "or" || op == "in")
    node->kind = NodeKind::keyword;
  else
    throw Failure{.code = "S0211", .position = token.position, .token = token.value};
  return node;
}

Node* Parser::binary(const Token& token, Node* left, Operator op, int binding_power) {
  Node* node = make(NodeKind::binary, token.position);
  node->value = token.value;
  node->op = op;
  node->left = left;
  node->right = expression(binding_power);
  return node;
}

Node* Parser::infix(const Token& token, Node* left) {
  const Infix& rule = *infix_of(token);
  if (rule.op != Operator::none || rule.text == ".") return binary(token, left, rule.op, rule.binding_power);
  if (rule.text == "(") return call(token, left);
  if (rule.text == "[") return predicate(token, left);
  if (rule.text == "^") return order_by(token, left);
  if (rule.text == "@" || rule.text == "#" || rule.text == ":=") return variable_infix(token, left);
  Node* node = make(NodeKind::condition, token.position);
  node->value = token.value;
  node->left = left;
  if (rule.text == "{") {
    node->kind = NodeKind::group_by;
    pairs(*node);
  } else if (rule.text == "~>") {
    node->kind = NodeKind::apply;
    node->right = expression(rule.binding_power);
  } else if (rule.text == "?") {
    node->right = expression(0);
    if (token_.is(":")) {
      advance();
      node->third = expression(0);
    }
  } else if (rule.text == "?:") {
    node->right = left;
    node->third = expression(0);
  } else {  // a ?? b  is  $exists(a) ? a : b
    Node* exists = make(NodeKind::variable, token.position);
    exists->value = Value::of(std::string_view("$exists").substr(1));  // what mentions() reads has its $ before it
    node->left = make(NodeKind::function, token.position);
    node->left->left = exists;
    node->left->items.push_back(left);
    node->right = left;
    node->third = expression(0);
  }
  return node;
}

Node* Parser::variable_infix(const Token& token, Node* left) {
  Node* node = make(NodeKind::bind, token.position);
  node->value = token.value;
  node->left = left;
  if (token.is(":=")) {
    if (left->kind != NodeKind::variable)
      throw Failure{.code = "S0212", .position = left->position, .token = left->value};
    node->right = expression(9);
    return node;
  }
  node->kind = token.is("@") ? NodeKind::focus_bind : NodeKind::index_bind;
  node->right = expression(80);
  if (node->right->kind != NodeKind::variable)
    throw Failure{.code = "S0214", .position = node->right->position, .token = token.value};
  return node;
}

Node* Parser::call(const Token& token, Node* left) {
  Node* node = make(NodeKind::function, token.position);
  node->value = token.value;
  node->left = left;
  if (!token_.is(")")) {
    for (;;) {
      if (token_.is("?")) {
        node->kind = NodeKind::partial;
        node->items.push_back(make(NodeKind::placeholder, token_.position));
        node->items.back()->value = token_.value;
        advance();
      } else {
        node->items.push_back(expression(0));
      }
      if (!token_.is(",")) break;
      advance();
    }
  }
  expect(")", true);
  if (left->kind == NodeKind::name && (left->value.string() == "function" || left->value.string() == "λ"))
    return lambda(node);
  return node;
}

Node* Parser::lambda(Node* node) {
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const Node& parameter = *node->items[i];
    if (parameter.kind != NodeKind::variable)
      throw Failure{.code = "S0208",
                    .position = parameter.position,
                    .token = parameter.value,
                    .value = Value::of(static_cast<double>(i + 1))};
  }
  node->kind = NodeKind::lambda;
  if (token_.is("<")) {
    std::string text = "<";
    std::int64_t position = token_.position;
    int depth = 1;
    while (depth > 0 && !token_.is("{") && token_.kind != Token::Kind::end) {
      advance();
      if (token_.is(">")) --depth;
      if (token_.is("<")) ++depth;
      if (token_.value.is_string()) text += token_.value.string();
    }
    expect(">");
    node->signature = std::make_unique<Signature>(Signature::parse(program_.arena.copy(text), position));
  }
  expect("{");
  node->left = expression(0);
  expect("}");
  return node;
}

Node* Parser::predicate(const Token& token, Node* left) {
  if (token_.is("]")) {
    Node* step = left;
    while (step != nullptr && step->kind == NodeKind::predicate) step = step->left;
    step->keep_array = true;
    advance();
    return left;
  }
  Node* node = make(NodeKind::predicate, token.position);
  node->value = token.value;
  node->left = left;
  node->right = expression(0);
  expect("]", true);
  return node;
}

Node* Parser::array(const Token& token) {
  Node* node = make(NodeKind::array, token.position);
  node->value = token.value;
  if (!token_.is("]")) {
    for (;;) {
      Node* item = expression(0);
      if (token_.is("..")) {
        Node* range = make(NodeKind::binary, token_.position);
        range->value = token_.value;
        range->op = Operator::range;
        range->left = item;
        advance();
        range->right = expression(0);
        item = range;
      }
      node->items.push_back(item);
      if (!token_.is(",")) break;
      advance();
    }
  }
  expect("]", true);
  return node;
}

Node* Parser::block(const Token& token) {
  Node* node = make(NodeKind::block, token.position);
  node->value = token.value;
  while (!token_.is(")")) {
    node->items.push_back(expression(0));
    if (!token_.is(";")) break;
    advance();
  }
  expect(")", true);
  return node;
}

Node* Parser::order_by(const Token& token, Node* left) {
  Node* node = make(NodeKind::order_by, token.position);
  node->value = token.value;
  node->left = left;
  expect("(");
  for (;;) {
    SortTerm term;
    if (token_.is("<")) {
      advance();
    } else if (token_.is(">")) {
      term.descending = true;
      advance();
    }
    term.expression = expression(0);
    node->terms.push_back(term);
    if (!token_.is(",")) break;
    advance();
  }
  expect(")");
  return node;
}

Node* Parser::transform(const Token& token) {
  Node* node = make(NodeKind::transform, token.position);
  node->value = token.value;
  node->left = expression(0);
  expect("|");
  node->right = expression(0);
  if (token_.is(",")) {
    advance();
    node->third = expression(0);
  }
  expect("|");
  return node;
}

void Parser::pairs(Node& node) {
  if (!token_.is("}")) {
    for (;;) {
      Node* key = expression(0);
      expect(":");
      node.pairs.push_back({key, expression(0)});
      if (!token_.is(",")) break;
      advance();
    }
  }
  expect("}", true);
}

}  // namespace millrace::jsonata
