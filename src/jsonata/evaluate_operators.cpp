#include <cmath>

#include "jsonata/evaluator.hpp"

namespace millrace::jsonata {
namespace {

constexpr double range_size_max = 1e7;

Failure operator_failure(const char* code, const Node* node, Value value) {
  return Failure{.code = code, .position = node->position, .token = node->value, .value = value};
}

}  // namespace

bool Evaluator::is_numeric(Value value) {
  if (!value.is_number() || std::isnan(value.number)) return false;
  if (std::isinf(value.number)) throw Failure{.code = "D1001", .value = value};
  return true;
}

Value Evaluator::binary(const Node* node, Value input, Frame* frame) {
  switch (node->op) {
    case Operator::logical_and:
    case Operator::logical_or:
      return logical(node, input, frame);
    case Operator::concatenate:
      return concatenate(node, input, frame);
    default:
      break;
  }
  Value left = eval(node->left, input, frame);
  Value right = eval(node->right, input, frame);
  switch (node->op) {
    case Operator::add:
    case Operator::subtract:
    case Operator::multiply:
    case Operator::divide:
    case Operator::modulo:
      return arithmetic(node, left, right);
    case Operator::equal:
    case Operator::not_equal: {
      if (left.is_undefined() || right.is_undefined()) return Value::boolean_of(false);
      bool same = deep_equal(arena_, left, right);
      return Value::boolean_of(same == (node->op == Operator::equal));
    }
    case Operator::less:
    case Operator::less_equal:
    case Operator::greater:
    case Operator::greater_equal:
      return compare(node, left, right);
    case Operator::in: {
      if (left.is_undefined() || right.is_undefined()) return Value::boolean_of(false);
      const Value* items = right.is_array() ? right.array->items : &right;
      std::uint32_t size = right.is_array() ? right.array->size : 1;
      for (std::uint32_t i = 0; i < size; ++i) {
        Value item = items[i];
        if (item.type != left.type) continue;
        bool same = false;
        switch (left.type) {  // arrays and objects by identity
          case Type::array:
            same = item.array == left.array;
            break;
          case Type::object:
            same = item.object == left.object;
            break;
          default:
            same = deep_equal(arena_, item, left);
        }
        if (same) return Value::boolean_of(true);
      }
      return Value::boolean_of(false);
    }
    case Operator::range:
      return range(node, left, right);
    default:
      return {};
  }
}

/// Failures on the right, and of taking either side for true or false, are reported as the operator's own.
Value Evaluator::logical(const Node* node, Value input, Frame* frame) {
  Value left = eval(node->left, input, frame);
  try {
    bool first = truth(left);
    if (first == (node->op == Operator::logical_or)) return Value::boolean_of(first);
    return Value::boolean_of(truth(eval(node->right, input, frame)));
  } catch (Failure& failure) {
    if (failure.code[0] == 'U') throw;
    failure.position = node->position;
    failure.token = node->value;
    throw;
  }
}

Value Evaluator::arithmetic(const Node* node, Value left, Value right) {
  auto numeric = [&](Value value) {
    if (value.is_number() && std::isinf(value.number)) throw operator_failure("D1001", node, value);
    return value.is_undefined() || is_numeric(value);
  };
  if (!numeric(left)) throw operator_failure("T2001", node, left);
  if (!numeric(right)) throw operator_failure("T2002", node, right);
  if (left.is_undefined() || right.is_undefined()) return {};
  double x = left.number, y = right.number;
  switch (node->op) {
    case Operator::add:
      return Value::of(x + y);
    case Operator::subtract:
      return Value::of(x - y);
    case Operator::multiply:
      return Value::of(x * y);
    case Operator::divide:
      return Value::of(x / y);
    default:
      return Value::of(std::fmod(x, y));
  }
}

Value Evaluator::compare(const Node* node, Value left, Value right) {
  auto comparable = [](Value v) { return v.is_undefined() || v.is_string() || v.is_number(); };
  if (!comparable(left) || !comparable(right)) {
    throw operator_failure("T2010", node, left.is_string() || left.is_number() ? right : left);
  }
  if (left.is_undefined() || right.is_undefined()) return {};
  if (left.type != right.type) {
    Failure failure = operator_failure("T2009", node, left);
    failure.value2 = right;
    throw failure;
  }
  if (left.is_string()) {
    int order = compare_strings(left.string(), right.string());
    switch (node->op) {
      case Operator::less:
        return Value::boolean_of(order < 0);
      case Operator::less_equal:
        return Value::boolean_of(order <= 0);
      case Operator::greater:
        return Value::boolean_of(order > 0);
      default:
        return Value::boolean_of(order >= 0);
    }
  }
  double x = left.number, y = right.number;
  switch (node->op) {
    case Operator::less:
      return Value::boolean_of(x < y);
    case Operator::less_equal:
      return Value::boolean_of(x <= y);
    case Operator::greater:
      return Value::boolean_of(x > y);
    default:
      return Value::boolean_of(x >= y);
  }
}

/// A chain a & b & c is joined in one piece.
Value Evaluator::concatenate(const Node* node, Value input, Frame* frame) {
  constexpr std::size_t parts_max = 16;
  const Node* parts[parts_max];
  std::size_t count = 0;
  const Node* at = node;
  while (at->kind == NodeKind::binary && at->op == Operator::concatenate && !at->boxed && count + 2 <= parts_max) {
    parts[count++] = at->right;
    at = at->left;
  }
  parts[count++] = at;
  std::string_view texts[parts_max];
  std::size_t size = 0;
  auto text = [&](Value value) {
    if (value.is_number() && !std::isfinite(value.number)) throw operator_failure("D3001", node, value);
    return text_of(value);
  };
  Value first = eval(parts[count - 1], input, frame);
  for (std::size_t i = 1; i < count; ++i) {
    Value value = eval(parts[count - 1 - i], input, frame);
    if (i == 1) size += (texts[0] = text(first)).size();
    size += (texts[i] = text(value)).size();
  }
  if (size > 0xffff'ffffu) throw Failure{.code = "U1002"};
  char* to = static_cast<char*>(arena_.allocate(size));
  char* out = to;
  for (std::size_t i = 0; i < count; ++i) {
    if (!texts[i].empty()) std::memcpy(out, texts[i].data(), texts[i].size());
    out += texts[i].size();
  }
  return Value::of(std::string_view{to, size});
}

Value Evaluator::range(const Node* node, Value left, Value right) {
  auto whole = [](Value v) { return v.is_number() && std::isfinite(v.number) && v.number == std::trunc(v.number); };
  if (!left.is_undefined() && !whole(left)) throw operator_failure("T2003", node, left);
  if (!right.is_undefined() && !whole(right)) throw operator_failure("T2004", node, right);
  if (left.is_undefined() || right.is_undefined() || left.number > right.number) return {};
  double size = right.number - left.number + 1;
  if (size > range_size_max) throw operator_failure("D2014", node, Value::of(size));
  tick(static_cast<std::uint32_t>(size));
  Array* result = make_array(arena_, static_cast<std::size_t>(size));
  result->sequence = true;
  result->size = static_cast<std::uint32_t>(size);
  for (std::uint32_t i = 0; i < result->size; ++i) result->items[i] = Value::of(left.number + i);
  return Value::of(result);
}

Value Evaluator::array(const Node* node, Value input, Frame* frame) {
  Array* result = nullptr;
  for (const Node* item : node->items) {
    Value value = eval(item, input, frame);
    if (value.is_undefined()) continue;
    if (result == nullptr) {
      if (value.is_array() && item->op == Operator::range && !item->boxed && node->items.size() == 1) {
        result = value.array;  // a range, made for this array alone
        result->sequence = false;
        continue;
      }
      result = make_array(arena_, node->items.size());
    }
    if (value.is_array() && item->kind != NodeKind::array) {
      for (Value v : *value.array) result->push(arena_, v);
    } else {
      result->push(arena_, value);
    }
  }
  if (result == nullptr) result = make_array(arena_);
  if (node->constructs_array) result->constructed = true;
  return Value::of(result);
}

Value Evaluator::negation(const Node* node, Value input, Frame* frame) {
  Value value = eval(node->left, input, frame);
  if (value.is_undefined()) return {};
  if (!is_numeric(value))
    throw Failure{.code = "D1002", .position = node->position, .token = Value::of("-"), .value = value};
  return Value::of(-value.number);
}

}  // namespace millrace::jsonata
