#include "jsonata/evaluator.hpp"
#include "jsonata/functions/library.hpp"

namespace millrace::jsonata {

Frame* Evaluator::make_frame(const Scope* scope, Frame* outer) {
  std::size_t slots = scope->names.size();
  if (slots == 0) return outer;
  Frame* frame = nullptr;
  if (slots <= frame_slots_kept && free_frames_[slots] != nullptr) {
    frame = free_frames_[slots];
    free_frames_[slots] = frame->outer;
  } else {
    frame = arena_.make<Frame>();
    frame->slots = arena_.allocate_array<Value>(slots);
  }
  frame->outer = outer;
  frame->scope = scope;
  frame->tuple = nullptr;
  for (std::size_t i = 0; i < slots; ++i) frame->slots[i] = Value::of_type(Type::unset);
  return frame;
}

/// Takes back a frame nothing can refer to any more.
void Evaluator::release(Frame* frame) {
  std::size_t slots = frame->scope->names.size();
  if (frame->scope->captured || slots > frame_slots_kept) return;
  frame->outer = free_frames_[slots];
  free_frames_[slots] = frame;
}

Value Evaluator::variable(const Node* node, Value input, Frame* frame) {
  std::string_view name = node->value.string();
  if (name.empty()) {
    if (input.is_array() && input.array->outer_wrapper) return input.array->size > 0 ? input.array->items[0] : Value{};
    return input;
  }
  return bound_value(node, frame);
}

Value Evaluator::bound_value(const Node* node, Frame* frame) {
  std::string_view name = node->value.string();
  Frame* at = frame;
  if (node->maybe_tuple_name) {
    for (; at != nullptr; at = at->outer) {
      if (at->tuple != nullptr) {
        if (const Value* value = at->tuple->find(name)) return *value;
      } else {
        int slot = at->scope->slot_of(name);
        if (slot >= 0 && at->slots[slot].type != Type::unset) return at->slots[slot];
      }
    }
  } else {
    for (const Candidate& candidate : node->candidates) {
      while (at != nullptr && at->scope != candidate.scope) at = at->outer;
      if (at == nullptr) break;
      Value value = at->slots[candidate.slot];
      if (value.type != Type::unset) return value;
    }
  }
  if (overrides_library_ || !evaluated_.empty()) {
    for (const BoundName& bound : bound_) {
      if (bound.name == name) return bound.value;
    }
  }
  if (node->builtin != nullptr) return Value::of(&node->builtin->self);
  return name == "$" ? root_input_ : Value{};
}

Value Evaluator::bind_variable(const Node* node, Value input, Frame* frame) {
  Value value = eval(node->right, input, frame);
  std::string_view name = node->left->value.string();
  for (Frame* at = frame; at != nullptr; at = at->outer) {
    if (at->scope == nullptr) continue;
    int slot = at->scope->slot_of(name);
    if (slot >= 0) {
      at->slots[slot] = value;
      break;
    }
  }
  return value;
}

Value Evaluator::block(const Node* node, Value input, Frame* frame) {
  Frame* inner = make_frame(node->scope, frame);
  Value result;
  for (const Node* part : node->items) result = eval(part, input, inner);
  if (inner != frame && result.type != Type::tail_call) release(inner);
  return result;
}

Value Evaluator::lambda(const Node* node, Value input, Frame* frame) {
  return Value::of(arena_.make<Function>(Function{.kind = FunctionKind::lambda,
                                                  .arity = static_cast<int>(node->items.size()),
                                                  .node = node,
                                                  .frame = frame,
                                                  .input = input}));
}

Value Evaluator::function_call(const Node* node, Value input, Frame* frame, const Value* chained) {
  const Node* named = node->left;
  Value function = eval(named, input, frame);
  Value name = named->value;
  if (named->kind == NodeKind::path) name = named->items[0]->value;
  if (function.is_undefined() && named->kind == NodeKind::path && name.is_string() &&
      !find_variable(name.string(), frame).is_undefined())
    throw Failure{.code = "T1005", .position = node->position, .token = name};
  constexpr std::size_t few = 6;
  Value on_stack[few];
  std::size_t count = node->items.size() + (chained != nullptr ? 1 : 0);
  Value* arguments = count <= few ? on_stack : arena_.allocate_array<Value>(count);
  std::size_t next = 0;
  if (chained != nullptr) arguments[next++] = *chained;
  for (const Node* argument : node->items) arguments[next++] = as_argument(eval(argument, input, frame));
  try {
    note_call(function, node->position, name);
    return apply(function, arguments, count, input, frame);
  } catch (Failure& failure) {
    if (failure.position == Failure::no_position) failure.position = node->position;
    if (failure.token.is_undefined()) failure.token = name;
    throw;
  }
}

/// A function that is passed as an argument is called without the context, and not under its parameter's name.
Value Evaluator::as_argument(Value value) {
  if (!value.is_function() || value.function->kind == FunctionKind::argument) return value;
  return Value::of(
      arena_.make<Function>(Function{.kind = FunctionKind::argument, .arity = value.function->arity, .first = value}));
}

/// Remembers where a function is called, for its failures. The library's own are shared by all threads.
void Evaluator::note_call(Value function, std::int64_t position, Value name) {
  if (!function.is_function()) return;
  switch (function.function->kind) {
    case FunctionKind::builtin:
      call_site_ = {position, name};
      return;
    case FunctionKind::argument:
    case FunctionKind::matcher:
    case FunctionKind::next_match:
      return;  // functions of JavaScript in the reference, which marks them only where they are called last
    default:
      note_last_call(function, position, name);
  }
}

void Evaluator::note_last_call(Value function, std::int64_t position, Value name) {
  if (!function.is_function()) return;
  if (function.function->kind == FunctionKind::builtin) {
    call_site_ = {position, name};
    return;
  }
  function.function->called_at = position;
  if (!name.is_undefined()) function.function->called_as = name;
}

Value Evaluator::find_variable(std::string_view name, Frame* frame) {
  for (Frame* at = frame; at != nullptr; at = at->outer) {
    if (at->tuple != nullptr) {
      if (const Value* value = at->tuple->find(name)) return *value;
    } else {
      int slot = at->scope->slot_of(name);
      if (slot >= 0 && at->slots[slot].type != Type::unset) return at->slots[slot];
    }
  }
  for (const BoundName& bound : bound_) {
    if (bound.name == name) return bound.value;
  }
  const BuiltIn* builtin = find_builtin(name);
  return builtin == nullptr ? Value{} : Value::of(&builtin->self);
}

Value Evaluator::call(Value function, const Value* arguments, std::size_t count) {
  return apply(function, arguments, count, Value::null(), nullptr);
}

Value Evaluator::apply(Value function, const Value* arguments, std::size_t count, Value input, Frame* frame) {
  Value result = apply_step(function, arguments, count, input, frame);
  while (result.type == Type::tail_call) {
    TailCall tail = tail_call_;
    tick();
    const Node* named = tail.node->left;
    Value next = eval(named, tail.input, tail.frame);
    constexpr std::size_t few = 6;
    Value on_stack[few];
    std::size_t size = tail.node->items.size();
    Value* again = size <= few ? on_stack : arena_.allocate_array<Value>(size);
    for (std::size_t i = 0; i < size; ++i) again[i] = eval(tail.node->items[i], tail.input, tail.frame);
    const Value name = named->kind == NodeKind::variable ? named->value : Value{};
    const std::int64_t position = named->kind == NodeKind::path ? Failure::no_position : named->position;
    if (!next.is_function()) throw Failure{.code = "T1006", .position = position, .token = name};
    note_last_call(next, position, name);
    for (Frame* done = tail.frame; done != tail.base;) {
      Frame* outer = done->outer;
      if (done->scope != nullptr) release(done);
      done = outer;
    }
    result = apply_step(next, again, size, input, frame);
  }
  return result;
}

/// One application; the result may be a call in tail position.
Value Evaluator::apply_step(Value function, const Value* arguments, std::size_t count, Value input, Frame* frame) {
  if (function.is_function()) {
    if (function.function->kind == FunctionKind::chain)
      return apply_chain(*function.function, arguments, count, input, frame);
    if (function.function->kind == FunctionKind::argument)
      return apply_argument(*function.function, arguments, count, frame);
  }
  return apply_inner(function, arguments, count, input, frame);
}

Value Evaluator::apply_argument(const Function& argument, const Value* arguments, std::size_t count, Frame* frame) {
  try {
    return apply(argument.first, arguments, count, Value::null(), frame);
  } catch (Failure& failure) {
    if (failure.token.is_undefined()) failure.token = argument.called_as;
    if (argument.called_at != Failure::no_position) failure.position = argument.called_at;
    throw;
  }
}

/// `f ~> g`, which the reference evaluates as `function($f, $g) { function($x){ $g($f($x)) } }`: failures name those.
Value Evaluator::apply_chain(const Function& chain, const Value* arguments, std::size_t count, Value input,
                             Frame* frame) {
  constexpr std::int64_t first_position = 39, second_position = 35;
  Value argument = count > 0 ? arguments[0] : Value{};
  Value between;
  try {
    note_call(chain.first, first_position, Value::of("f"));
    between = apply(chain.first, &argument, 1, Value::null(), frame);
  } catch (Failure& failure) {
    if (failure.position == Failure::no_position) failure.position = first_position;
    if (failure.token.is_undefined()) failure.token = Value::of("f");
    throw;
  }
  between = normalized(between);
  note_last_call(chain.second, second_position, Value::of("g"));
  return apply_step(chain.second, &between, 1, input, frame);
}

Value Evaluator::apply_inner(Value function, const Value* arguments, std::size_t count, Value input, Frame* frame) {
  if (!function.is_function()) throw Failure{.code = "T1006"};
  const Function& f = *function.function;
  const bool shared = f.kind == FunctionKind::builtin;
  std::int64_t called_at = shared ? call_site_.position : f.called_at;
  Value called_as = shared ? call_site_.name : f.called_as;
  call_site_ = {};
  try {
    switch (f.kind) {
      case FunctionKind::builtin:
        return apply_builtin(f, arguments, count, input, frame);
      case FunctionKind::lambda: {
        if (f.node->signature != nullptr && !f.node->signature->fits(arguments, count)) {
          std::vector<Value> list(arguments, arguments + count);
          f.node->signature->validate(arena_, list, input);
          return apply_lambda(f, list.data(), list.size());
        }
        return apply_lambda(f, arguments, count);
      }
      case FunctionKind::partial:
        return apply_partial(f, arguments, count);
      case FunctionKind::chain:
      case FunctionKind::argument:
        break;  // taken apart by apply_step
      case FunctionKind::matcher:
        return apply_matcher(f, count > 0 ? arguments[0] : Value{}, count > 1 ? arguments[1] : Value{});
      case FunctionKind::next_match:
        return next_match(*f.regex, f.subject, f.offset, false);
      case FunctionKind::transform: {
        Value argument = count > 0 ? arguments[0] : Value{};
        const bool fits = argument.is_undefined() || argument.is_object() || argument.is_array();
        if (count != 1 || !fits) {
          std::size_t wrong = count == 0 || !fits ? 0 : 1;
          throw Failure{.code = "T0410",
                        .value = wrong < count ? arguments[wrong] : Value{},
                        .index = static_cast<std::int64_t>(wrong + 1)};
        }
        return transform(f, argument);
      }
    }
  } catch (Failure& failure) {
    if (failure.token.is_undefined()) failure.token = called_as;
    if (called_at != Failure::no_position) failure.position = called_at;
    throw;
  }
  return {};
}

Value Evaluator::apply_lambda(const Function& function, const Value* arguments, std::size_t count) {
  const Node* node = function.node;
  Frame* frame = make_frame(node->scope, function.frame);
  for (std::size_t i = 0; i < node->items.size(); ++i) frame->slots[i] = i < count ? arguments[i] : Value{};
  Value result = eval(node->left, function.input, frame);
  if (result.type == Type::tail_call) {
    tail_call_.base = function.frame;
  } else if (frame != function.frame) {
    release(frame);
  }
  return result;
}

Value Evaluator::apply_builtin(const Function& function, const Value* arguments, std::size_t count, Value input,
                               Frame* frame) {
  const BuiltIn& builtin = *function.builtin;
  if (builtin.signature_text.empty() || builtin.signature.fits(arguments, count))
    return builtin.call(Call{*this, arena_, arguments, count, input, frame});
  std::vector<Value> list(arguments, arguments + count);
  builtin.signature.validate(arena_, list, input);
  return builtin.call(Call{*this, arena_, list.data(), list.size(), input, frame});
}

Value Evaluator::partial(const Node* node, Value input, Frame* frame) {
  Value* bound = arena_.allocate_array<Value>(node->items.size());
  int missing = 0;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    bool placeholder = node->items[i]->kind == NodeKind::placeholder;
    bound[i] = placeholder ? Value::of_type(Type::unset) : eval(node->items[i], input, frame);
    missing += placeholder ? 1 : 0;
  }
  Value function = eval(node->left, input, frame);
  if (function.is_function() && function.function->kind == FunctionKind::argument) function = function.function->first;
  Value name = node->left->kind == NodeKind::path ? node->left->items[0]->value : node->left->value;
  if (function.is_undefined() && node->left->kind == NodeKind::path && name.is_string() &&
      !find_variable(name.string(), frame).is_undefined())
    throw Failure{.code = "T1007", .position = node->position, .token = name};
  if (!function.is_function()) throw Failure{.code = "T1008", .position = node->position, .token = name};
  return Value::of(arena_.make<Function>(Function{.kind = FunctionKind::partial,
                                                  .arity = missing,
                                                  .first = function,
                                                  .bound = bound,
                                                  .bound_count = static_cast<std::uint32_t>(node->items.size())}));
}

Value Evaluator::apply_partial(const Function& function, const Value* arguments, std::size_t count) {
  Value* all = arena_.allocate_array<Value>(function.bound_count);
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < function.bound_count; ++i) {
    if (function.bound[i].type != Type::unset) {
      all[i] = function.bound[i];
    } else {
      all[i] = next < count ? arguments[next] : Value{};
      ++next;
    }
  }
  // A call in tail position is left to whoever called, as if the lambda itself had been called there.
  const Function& whole = *function.first.function;
  if (whole.kind == FunctionKind::lambda) return apply_lambda(whole, all, function.bound_count);
  std::size_t given = function.bound_count;
  if (whole.kind == FunctionKind::builtin &&
      whole.arity > 0) {  // exactly its parameters, undefined where none is given
    std::size_t parameters = static_cast<std::size_t>(whole.arity);
    if (given < parameters) {
      Value* padded = arena_.allocate_array<Value>(parameters);
      for (std::size_t i = 0; i < parameters; ++i) padded[i] = i < given ? all[i] : Value{};
      all = padded;
    }
    given = parameters;
  }
  return apply(function.first, all, given, {}, nullptr);
}

Value Evaluator::chain(const Node* node, Value input, Frame* frame) {
  Value left = eval(node->left, input, frame);
  if (node->right->kind == NodeKind::function)  // called with the left side as its first argument; nothing else of it
    return function_call(node->right, input, frame, &left);
  Value function = eval(node->right, input, frame);
  if (!function.is_function()) throw Failure{.code = "T2006", .position = node->position, .value = function};
  if (left.is_function()) {
    return Value::of(
        arena_.make<Function>(Function{.kind = FunctionKind::chain, .arity = 1, .first = left, .second = function}));
  }
  return apply(function, &left, 1, Value::null(), frame);
}

int Evaluator::arity_of(Value function) {
  return function.is_function() ? function.function->arity : 0;
}

Value Evaluator::call_with(Value function, Value item, Value position, Value whole) {
  const Value arguments[] = {item, position, whole};
  int arity = arity_of(function);
  return call(function, arguments, arity >= 3 ? 3 : arity == 2 ? 2 : 1);
}

}  // namespace millrace::jsonata
