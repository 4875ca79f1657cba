#include <cmath>

#include "jsonata/functions/library.hpp"

namespace millrace::jsonata {
namespace {

void collect_keys(const Call& c, Value value, Object* seen, Array* to) {
  if (value.is_array()) {
    guard_walk();
    for (Value item : *value.array) collect_keys(c, item, seen, to);
  } else if (value.is_object()) {
    for (const Member& member : *value.object) {
      if (seen->find(c.arena, member.key) != nullptr) continue;
      seen->add(c.arena, member.key, Value::null());
    }
  }
}

Value keys(const Call& c) {
  Array* result = make_sequence(c.arena);
  Object* seen = make_object(c.arena);
  collect_keys(c, c[0], seen, result);
  for (const Member& member : *seen) result->push(c.arena, Value::of(member.key.view()));
  return Value::of(result);
}

Value lookup(const Call& c) {
  if (!c[1].is_string()) return {};
  return c.evaluator.lookup(c[0], Key::of(c[1].string()));
}

Value spread(const Call& c) {
  Array* result = make_sequence(c.arena);
  auto split = [&](Value object) {
    for (const Member& member : *object.object) {
      Object* single = make_object(c.arena, 1);
      single->add(c.arena, member.key, member.value);
      result->push(c.arena, Value::of(single));
    }
  };
  if (c[0].is_object()) {
    split(c[0]);
  } else if (c[0].is_array()) {
    guard_walk();
    for (Value item : *c[0].array) {
      const Value inner[] = {item};
      Value parts = spread(Call{c.evaluator, c.arena, inner, 1, c.input, c.frame});
      if (!parts.is_undefined()) result->sequence = false;
      if (parts.is_array()) {
        for (Value part : *parts.array) result->push(c.arena, part);
      } else if (!parts.is_undefined()) {
        result->push(c.arena, parts);
      }
    }
  } else {
    return c[0];
  }
  return Value::of(result);
}

Value merge(const Call& c) {
  if (c[0].is_undefined()) return {};
  Object* result = make_object(c.arena);
  for (Value item : *c[0].array) {
    if (!item.is_object()) continue;
    for (const Member& member : *item.object) result->set(c.arena, member.key, member.value);
  }
  return Value::of(result);
}

Value each(const Call& c) {
  if (!c[0].is_object()) return {};
  Array* result = make_sequence(c.arena);
  for (const Member& member : *c[0].object) {
    c.evaluator.tick();
    Value value = c.evaluator.call_with(c[1], member.value, Value::of(member.key.view()), c[0]);
    if (!value.is_undefined()) result->push(c.arena, value);
  }
  return Value::of(result);
}

Value sift(const Call& c) {
  if (!c[0].is_object()) return {};
  Object* result = make_object(c.arena);
  for (const Member& member : *c[0].object) {
    c.evaluator.tick();
    if (Evaluator::truth(c.evaluator.call_with(c[1], member.value, Value::of(member.key.view()), c[0])))
      result->add(c.arena, member.key, member.value);
  }
  return result->size == 0 ? Value{} : Value::of(result);
}

Value type(const Call& c) {
  switch (c[0].type) {
    case Type::undefined:
      return {};
    case Type::null:
      return Value::of("null");
    case Type::boolean:
      return Value::of("boolean");
    case Type::number:
      if (std::isinf(c[0].number)) throw Failure{.code = "D1001", .value = c[0]};
      return Value::of(c[0].number == c[0].number ? "number" : "object");  // NaN, as the reference has it
    case Type::string:
      return Value::of("string");
    case Type::array:
      return Value::of("array");
    case Type::function:
      return Value::of("function");
    default:
      return Value::of("object");
  }
}

Value clone(const Call& c) {
  return c[0].is_undefined() ? Value{} : c.evaluator.clone(c[0]);
}

Value exists(const Call& c) {
  return Value::boolean_of(!c[0].is_undefined());
}

const BuiltIn functions[] = {
    {"keys", keys, "<x-:a<s>>", 1, {}, {}},     {"lookup", lookup, "<x-s:x>", 2, {}, {}},
    {"spread", spread, "<x-:a<o>>", 1, {}, {}}, {"merge", merge, "<a<o>:o>", 1, {}, {}},
    {"each", each, "<o-f:a>", 2, {}, {}},       {"sift", sift, "<o-f?:o>", 2, {}, {}},
    {"type", type, "<x:s>", 1, {}, {}},         {"exists", exists, "<x:b>", 1, {}, {}},
    {"clone", clone, "<(oa)-:o>", 1, {}, {}},
};

}  // namespace

Family object_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
