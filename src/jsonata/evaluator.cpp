#include "jsonata/evaluator.hpp"

#include <cmath>
#include <random>

#include "jsonata/functions/library.hpp"
#include "jsonata/json_printer.hpp"
#include "jsonata/number.hpp"

namespace millrace::jsonata {

Evaluator::Evaluator(Arena& arena, const Program& program, const Limits& limits, const Surroundings& surroundings)
    : arena_(arena), program_(program), limits_(limits) {
  if (surroundings.now) now_ = static_cast<double>(surroundings.now->time_since_epoch().count());
  if (surroundings.seed) random_state_ = *surroundings.seed | 1;
}

void Evaluator::bind(std::string_view name, Value value) {
  bound_.push_back({name, value});
  if (find_builtin(name) != nullptr) overrides_library_ = true;
}

Value Evaluator::run(Value input) {
  Deadline deadline(started_ + limits_.time_max);
  root_frame_ = make_frame(program_.root_scope, nullptr);
  if (root_frame_ != nullptr) {
    for (const BoundName& bound : bound_) {
      int slot = program_.root_scope->slot_of(bound.name);
      if (slot >= 0) root_frame_->slots[slot] = bound.value;
    }
  }
  root_input_ = input;
  if (input.is_array() && !input.array->sequence) {
    Array* wrapper = make_sequence(arena_, input);
    wrapper->outer_wrapper = true;
    input = Value::of(wrapper);
  }
  return eval(program_.root, input, root_frame_);
}

void Evaluator::check_time() {
  ticks_left_ = ticks_between_checks;
  if (std::chrono::steady_clock::now() - started_ > limits_.time_max) throw Failure{.code = "U1001"};
}

double Evaluator::now_millis() {
  if (now_ < 0) {
    auto since = std::chrono::system_clock::now().time_since_epoch();
    now_ = static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }
  return now_;
}

std::uint64_t Evaluator::random() {
  if (random_state_ == 0) {
    std::random_device device;
    random_state_ = (static_cast<std::uint64_t>(device()) << 32 | device()) | 1;
  }
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 7;
  random_state_ ^= random_state_ << 17;
  return random_state_;
}

Value Evaluator::normalized(Value value) {
  if (!value.is_array() || !value.array->sequence || value.array->tuple_stream) return value;
  if (value.array->size == 0) return {};
  return value.array->size == 1 && !value.array->keep_singleton ? value.array->items[0] : value;
}

Value Evaluator::unwrap(const Node* node, Value result) {
  Array& array = *result.array;
  if (!array.sequence || array.tuple_stream) return result;
  if (node->keep_array) array.keep_singleton = true;
  if (array.size == 0) return {};
  if (array.size == 1 && !array.keep_singleton) return array.items[0];
  return result;
}

Value Evaluator::eval(const Node* node, Value input, Frame* frame) {
  if (++depth_ > limits_.depth_max || reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < stack_floor_)
    throw Failure{.code = "U1001"};
  tick();
  Value result = eval_kind(node, input, frame);
  if (node->boxed && result.type != Type::tail_call) result = predicates(node, result, frame);
  --depth_;
  return result.is_array() ? unwrap(node, result) : result;
}

Value Evaluator::eval_kind(const Node* node, Value input, Frame* frame) {
  switch (node->kind) {
    case NodeKind::path:
      return node->plain_names ? plain_path(node, input, frame) : path(node, input, frame);
    case NodeKind::string:
    case NodeKind::number:
    case NodeKind::constant:
      return node->value;
    case NodeKind::binary:
      return binary(node, input, frame);
    case NodeKind::name:
      return lookup(input, node->key);
    case NodeKind::variable:
      return variable(node, input, frame);
    case NodeKind::condition:
      if (truth(eval(node->left, input, frame))) return eval(node->right, input, frame);
      return node->third == nullptr ? Value{} : eval(node->third, input, frame);
    case NodeKind::function:
      if (node->is_tail) {
        tail_call_ = {node, input, frame};
        return Value::of_type(Type::tail_call);
      }
      return function_call(node, input, frame, nullptr);
    case NodeKind::object:
      return object(node, input, frame);
    case NodeKind::array:
      return array(node, input, frame);
    case NodeKind::block:
      return block(node, input, frame);
    case NodeKind::negation:
      return negation(node, input, frame);
    case NodeKind::wildcard:
      return wildcard(input);
    case NodeKind::descendants:
      return descendants(input);
    case NodeKind::parent: {
      for (Frame* f = frame; f != nullptr; f = f->outer) {
        if (f->tuple == nullptr) continue;
        if (const Value* value = f->tuple->find(node->slot->label)) return *value;
      }
      return {};
    }
    case NodeKind::bind:
      return bind_variable(node, input, frame);
    case NodeKind::lambda:
      return lambda(node, input, frame);
    case NodeKind::partial:
      return partial(node, input, frame);
    case NodeKind::apply:
      return chain(node, input, frame);
    case NodeKind::transform:
      return Value::of(arena_.make<Function>(
          Function{.kind = FunctionKind::transform, .node = node, .frame = frame, .input = input}));
    case NodeKind::regex:
      return Value::of(
          arena_.make<Function>(Function{.kind = FunctionKind::matcher, .node = node, .regex = node->regex.get()}));
    case NodeKind::sort:
      return sort(node, input, frame);
    default:
      return {};
  }
}

bool Evaluator::truth(Value value) {
  switch (value.type) {
    case Type::boolean:
      return value.boolean;
    case Type::string:
      return value.length > 0;
    case Type::number:
      if (std::isinf(value.number)) throw Failure{.code = "D1001", .value = value};
      return value.number != 0 && !std::isnan(value.number);
    case Type::object:
      return value.object->size > 0;
    case Type::array: {
      guard_walk();
      bool any = false;
      for (Value item : *value.array) any |= truth(item);  // all of them: one may be out of range
      return any;
    }
    default:
      return false;
  }
}

std::string_view Evaluator::text_of(Value value) {
  switch (value.type) {
    case Type::undefined:
    case Type::function:
      return "";
    case Type::string:
      return value.string();
    case Type::boolean:
      return value.boolean ? "true" : "false";
    case Type::null:
      return "null";
    case Type::number: {
      if (!std::isfinite(value.number)) throw Failure{.code = "D3001", .value = value};
      char* to = static_cast<char*>(arena_.allocate(number_text_max));
      std::size_t size = print_number(to_15_digits(value.number), to);
      arena_.shrink_last(to, number_text_max, size);
      return {to, size};
    }
    default: {
      std::string text;
      print_json(text, value, {.digits_15 = true, .size_max = limits_.memory_max});
      return arena_.copy(text);
    }
  }
}

Value Evaluator::append(Value a, Value b) {
  if (a.is_undefined()) return b;
  if (b.is_undefined()) return a;
  std::size_t total = (a.is_array() ? a.array->size : 1) + (b.is_array() ? b.array->size : 1);
  Array* result = make_array(arena_, total);
  for (Value part : {a, b}) {
    if (part.is_array()) {
      for (Value item : *part.array) result->push(arena_, item);
    } else {
      result->push(arena_, part);
    }
  }
  if (!a.is_array()) result->sequence = false;
  return Value::of(result);
}

}  // namespace millrace::jsonata
