#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jsonata/regex_program.hpp"
#include "jsonata/signature.hpp"
#include "jsonata/value.hpp"

namespace millrace::jsonata {

struct BuiltIn;
struct Node;
using Nodes = std::vector<Node*>;

enum class NodeKind : std::uint8_t {
  name,  ///< a field; inside a path after analysis
  string,
  number,
  constant,  ///< true, false, null
  wildcard,
  descendants,
  parent,
  variable,
  path,
  binary,
  negation,
  array,
  object,
  block,
  condition,
  function,
  partial,
  placeholder,  ///< `?` among the arguments of a partial application
  lambda,
  bind,
  apply,
  sort,
  transform,
  regex,
  // only between parser and analyzer:
  predicate,
  group_by,
  order_by,
  focus_bind,
  index_bind,
  keyword,  ///< and, or, in where an operand stands
  end,
};

enum class Operator : std::uint8_t {
  none,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  concatenate,
  logical_and,
  logical_or,
  in,
  range,
};

/// The names one frame of variables holds. Frames at run time mirror the scopes of the source.
struct Scope {
  Scope* outer = nullptr;
  std::vector<std::string_view> names;
  bool captured = false;  ///< a lambda or $eval inside may outlive the frame

  int slot_of(std::string_view name) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) return static_cast<int>(i);
    }
    return -1;
  }
};

/// Where a variable may be bound: the frame of `scope`, at `slot`. Inner candidates come first.
struct Candidate {
  const Scope* scope;
  std::uint32_t slot;
};

/// What `%` refers to, and how far up it still has to look.
struct AncestorSlot {
  std::string label;
  int level = 1;
  std::size_t index = 0;
};

struct Pair {
  Node* key;
  Node* value;
};
struct Group {
  std::vector<Pair> pairs;
  std::int64_t position = 0;
};
struct Stage {
  Node* filter = nullptr;         ///< a predicate, or
  std::string_view index_name{};  ///< the name the position is bound to
};
struct SortTerm {
  bool descending = false;
  Node* expression = nullptr;
};

/// One part of an expression. Which fields matter depends on the kind.
struct Node {
  NodeKind kind{};
  Operator op = Operator::none;
  bool keep_array = false;            ///< `[]`
  bool keep_singleton_array = false;  ///< path: some step has `[]`
  bool constructs_array = false;      ///< `[…]` as first or last step: its result is one item
  bool is_tuple = false;              ///< makes or passes on a tuple stream
  bool is_tail = false;               ///< a call in tail position of a lambda
  bool plain_names = false;           ///< path: only names without stages
  bool maybe_tuple_name = false;      ///< variable: some `@` or `#` binds this name
  bool boxed = false;                 ///< has predicates or a group to apply after its value
  std::int64_t position = 0;
  Value value{};          ///< literal; name of a variable or field; text of an operator
  Key key{};              ///< name
  Node* left = nullptr;   ///< also: condition, pattern, procedure, body
  Node* right = nullptr;  ///< also: then, update
  Node* third = nullptr;  ///< else, delete
  Nodes items{};          ///< steps, expressions, arguments, parameters
  std::vector<Pair> pairs{};
  std::vector<SortTerm> terms{};
  std::unique_ptr<Group> group{};
  std::vector<Stage> stages{};
  std::vector<Stage> predicates{};
  std::string_view focus_name{};
  std::string_view index_name{};
  AncestorSlot* slot = nullptr;      ///< of `%`
  AncestorSlot* ancestor = nullptr;  ///< this step is what a `%` refers to
  std::vector<AncestorSlot*> seeking{};
  Scope* scope = nullptr;  ///< block, lambda: its own frame
  std::vector<Candidate> candidates{};
  const BuiltIn* builtin = nullptr;  ///< variable: the library function of that name
  std::unique_ptr<Signature> signature{};
  std::unique_ptr<RegexProgram> regex{};
};

/// A compiled expression's tree and everything it refers to. Immutable once compiled.
struct Program {
  std::string source;
  Arena arena{16u << 20, 4u << 10};
  std::deque<Node> nodes;
  std::deque<Scope> scopes;
  std::deque<AncestorSlot> ancestors;
  std::vector<std::string_view> tuple_names;
  std::vector<std::string_view> names;  ///< every field and variable mentioned
  Node* root = nullptr;
  Scope* root_scope = nullptr;
  bool uses_eval = false;
  bool of_eval = false;  ///< evaluated by `$eval` inside of another
  struct Unbound {
    std::string_view name;
    std::int64_t position;
    bool called;
  };
  std::vector<Unbound> unbound;  ///< variables that neither the expression nor the library defines
};

/// Reads the source into `program`, whose `source` is set. `outer` is the scope an `$eval` stands in, null otherwise.
/// Throws Failure.
void compile_program(Program& program, const Scope* outer);

}  // namespace millrace::jsonata
