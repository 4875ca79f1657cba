#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "jsonata/ast.hpp"
#include "jsonata/expression.hpp"
#include "jsonata/failure.hpp"
#include "jsonata/stack_guard.hpp"
#include "jsonata/value.hpp"

namespace millrace::jsonata {

/// The variables of one scope while it runs, or the names a tuple binds.
struct Frame {
  Frame* outer;
  const Scope* scope;
  const Tuple* tuple;
  Value* slots;
};

enum class FunctionKind : std::uint8_t {
  builtin,
  lambda,
  partial,
  chain,
  matcher,
  next_match,
  transform,
  argument,  ///< another function, as it is seen by the one it was passed to
};

/// A function as a value.
struct Function {
  FunctionKind kind{};
  int arity = 1;
  const BuiltIn* builtin = nullptr;
  const Node* node = nullptr;  ///< lambda, transform
  Frame* frame = nullptr;
  Value input{};
  Value first{};                 ///< chain: applied first; partial, argument: the function
  Value second{};                ///< chain: applied to the result
  const Value* bound = nullptr;  ///< partial: its arguments, unset where one is missing
  std::uint32_t bound_count = 0;
  const RegexProgram* regex = nullptr;
  Value subject{};
  std::size_t offset = 0;
  mutable std::int64_t called_at = Failure::no_position;  ///< where it was last called by name
  mutable Value called_as{};
};

class Evaluator;

/// One call of a library function.
struct Call {
  Evaluator& evaluator;
  Arena& arena;
  const Value* arguments;
  std::size_t count;
  Value input;
  Frame* frame;

  Value operator[](std::size_t i) const { return i < count ? arguments[i] : Value{}; }
};

/// One evaluation of a program: a walk over its tree. Lives on one thread, its values in its arena.
/// Failures are thrown; nothing else is.
class Evaluator {
 public:
  Evaluator(Arena& arena, const Program& program, const Limits& limits, const Surroundings& surroundings = {});

  /// Binds a variable for the evaluation; before run().
  void bind(std::string_view name, Value value);
  Value run(Value input);

  // What library functions may use:
  Arena& arena() { return arena_; }
  Value call(Value function, const Value* arguments, std::size_t count);
  /// A function of the value, position and whole of a collection gets as many of the three as it has parameters.
  Value call_with(Value function, Value item, Value position, Value whole);
  static int arity_of(Value function);
  double now_millis();
  Value run_text(std::string_view source, Value focus, Frame* frame);
  std::string_view text_of(Value value);  ///< as `$string` makes it; "" for undefined
  /// Counts work done, to notice when the time is over.
  void tick(std::uint32_t amount = 1) {
    if (amount >= ticks_left_) {
      check_time();
    } else {
      ticks_left_ -= amount;
    }
  }
  std::size_t memory_max() const { return limits_.memory_max; }
  Value match_with(Value matcher, Value subject, const RegexProgram::Match& match) {
    return match_value(*underlying(matcher).regex, subject, match);
  }
  /// The function itself, where `function` is one that was passed as an argument.
  static const Function& underlying(Value function) {
    const Function* f = function.function;
    return f->kind == FunctionKind::argument ? *f->first.function : *f;
  }
  /// A copy that shares nothing.
  Value clone(Value value);

  /// A list under construction takes the items of an array, or the one value; nothing for undefined.
  static bool truth(Value value);
  /// A sequence of one item is that item, an empty one undefined; unless it is to be kept.
  static Value normalized(Value value);
  Value append(Value a, Value b);
  Value lookup(Value input, const Key& key);
  std::uint64_t random();

 private:
  Value eval(const Node* node, Value input, Frame* frame);
  Value eval_kind(const Node* node, Value input, Frame* frame);
  Value unwrap(const Node* node, Value result);
  void check_time();

  // paths
  Value path(const Node* node, Value input, Frame* frame);
  Value path_steps(const Node* node, std::size_t first, Array* sequence, Frame* frame);
  Value plain_path(const Node* node, Value input, Frame* frame);
  Array* items_of_scalar(Value value);
  Array* step(const Node* node, Array* input, Frame* frame, bool last);
  Array* tuple_step(const Node* node, Array* input, Array* tuples, Frame* frame);
  Value stages(const std::vector<Stage>& list, Value input, Frame* frame);
  Value filter(const Node* predicate, Value input, Frame* frame);
  Value wildcard(Value input);
  Value descendants(Value input);
  Value predicates(const Node* node, Value result, Frame* frame);
  Frame* tuple_frame(Frame* outer, const Tuple* tuple);
  Tuple* with_binding(const Tuple* tuple, std::string_view name, Value value);
  Value sort(const Node* node, Value input, Frame* frame);
  Value group(const std::vector<Pair>& pairs, std::int64_t position, Value input, Frame* frame);
  Value object(const Node* node, Value input, Frame* frame);
  std::string_view group_key(Value key, std::int64_t position);
  Value group_many(const std::vector<Pair>& pairs, std::int64_t position, Array* items, bool tuples, Frame* frame);

  // operators
  Value binary(const Node* node, Value input, Frame* frame);
  Value logical(const Node* node, Value input, Frame* frame);
  Value arithmetic(const Node* node, Value left, Value right);
  Value compare(const Node* node, Value left, Value right);
  Value concatenate(const Node* node, Value input, Frame* frame);
  Value range(const Node* node, Value left, Value right);
  Value array(const Node* node, Value input, Frame* frame);
  Value negation(const Node* node, Value input, Frame* frame);
  static bool is_numeric(Value value);  ///< throws D1001 for the infinities

  // variables and functions
  Value variable(const Node* node, Value input, Frame* frame);
  Value find_variable(std::string_view name, Frame* frame);
  void note_call(Value function, std::int64_t position, Value name);
  void note_last_call(Value function, std::int64_t position, Value name);
  Value bound_value(const Node* node, Frame* frame);
  Frame* make_frame(const Scope* scope, Frame* outer);
  void release(Frame* frame);
  Value block(const Node* node, Value input, Frame* frame);
  Value bind_variable(const Node* node, Value input, Frame* frame);
  Value function_call(const Node* node, Value input, Frame* frame, const Value* chained);
  Value partial(const Node* node, Value input, Frame* frame);
  Value chain(const Node* node, Value input, Frame* frame);
  Value lambda(const Node* node, Value input, Frame* frame);
  const Program& program_of(std::string_view source, const Scope* outer);
  Value transform(const Function& function, Value argument);
  const InnerFault* keep_inner(const Failure& failure);
  Value apply(Value function, const Value* arguments, std::size_t count, Value input, Frame* frame);
  Value apply_step(Value function, const Value* arguments, std::size_t count, Value input, Frame* frame);
  Value apply_chain(const Function& chain, const Value* arguments, std::size_t count, Value input, Frame* frame);
  Value apply_argument(const Function& argument, const Value* arguments, std::size_t count, Frame* frame);
  Value as_argument(Value value);
  Value apply_inner(Value function, const Value* arguments, std::size_t count, Value input, Frame* frame);
  Value apply_lambda(const Function& function, const Value* arguments, std::size_t count);
  Value apply_builtin(const Function& function, const Value* arguments, std::size_t count, Value input, Frame* frame);
  Value apply_partial(const Function& function, const Value* arguments, std::size_t count);
  Value apply_matcher(const Function& function, Value subject, Value from);
  Value next_match(const RegexProgram& regex, Value subject, std::size_t offset, bool first);
  Value match_value(const RegexProgram& regex, Value subject, const RegexProgram::Match& match);

  struct TailCall {
    const Node* node = nullptr;
    Value input{};
    Frame* frame = nullptr;
    Frame* base = nullptr;  ///< the frame the lambda was made in: those inside it are done with
  };
  struct CallSite {
    std::int64_t position = Failure::no_position;
    Value name{};
  };
  static constexpr std::uint32_t ticks_between_checks = 4096;
  static constexpr std::size_t frame_slots_kept = 8;

  Arena& arena_;
  const Program& program_;
  const Limits& limits_;
  std::size_t depth_ = 0;
  std::uint32_t ticks_left_ = ticks_between_checks;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::uintptr_t stack_floor_ = stack_floor();
  Frame* root_frame_ = nullptr;
  Value root_input_{};
  TailCall tail_call_{};
  CallSite call_site_{};  ///< of the library function about to be called
  Frame* free_frames_[frame_slots_kept + 1] = {};
  struct BoundName {
    std::string_view name;
    Value value;
  };
  std::vector<BoundName> bound_;
  bool overrides_library_ = false;
  double now_ = -1;
  std::uint64_t random_state_ = 0;
  /// Programs of `$eval`, by the scope they stand in and their source; kept for the lambdas they make.
  std::map<std::pair<const Scope*, std::string_view>, std::unique_ptr<Program>> evaluated_;
  std::size_t evaluated_memory_ = 0;
};

}  // namespace millrace::jsonata
