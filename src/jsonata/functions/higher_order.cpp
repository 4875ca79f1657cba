#include "jsonata/functions/library.hpp"

namespace millrace::jsonata {
namespace {

Value position_of(std::uint32_t i) {
  return Value::of(static_cast<double>(i));
}

Value map(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  Array* result = make_sequence(c.arena);
  for (std::uint32_t i = 0; i < list.size; ++i) {
    c.evaluator.tick();
    Value value = c.evaluator.call_with(c[1], list.items[i], position_of(i), c[0]);
    if (!value.is_undefined()) result->push(c.arena, value);
  }
  return Value::of(result);
}

Value filter(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  Array* result = make_sequence(c.arena);
  for (std::uint32_t i = 0; i < list.size; ++i) {
    c.evaluator.tick();
    if (Evaluator::truth(c.evaluator.call_with(c[1], list.items[i], position_of(i), c[0])))
      result->push(c.arena, list.items[i]);
  }
  return Value::of(result);
}

Value single(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  Value found;
  bool any = false;
  for (std::uint32_t i = 0; i < list.size; ++i) {
    bool fits =
        c[1].is_undefined() || Evaluator::truth(c.evaluator.call_with(c[1], list.items[i], position_of(i), c[0]));
    if (!fits) continue;
    if (any) throw Failure{.code = "D3138", .index = static_cast<std::int64_t>(i)};
    any = true;
    found = list.items[i];
  }
  if (!any) throw Failure{.code = "D3139"};
  return found;
}

Value reduce(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  int arity = Evaluator::arity_of(c[1]);
  if (arity < 2) throw Failure{.code = "D3050", .index = 1};
  Value result = c[2];
  std::uint32_t i = 0;
  if (result.is_undefined() && list.size > 0) {
    result = list.items[0];
    i = 1;
  }
  for (; i < list.size; ++i) {
    c.evaluator.tick();
    const Value arguments[] = {result, list.items[i], position_of(i), c[0]};
    result = c.evaluator.call(c[1], arguments, arity >= 4 ? 4 : static_cast<std::size_t>(arity));
  }
  return result;
}

const BuiltIn functions[] = {
    {"map", map, "<af>", 2, {}, {}},
    {"filter", filter, "<af>", 2, {}, {}},
    {"single", single, "<af?>", 2, {}, {}},
    {"reduce", reduce, "<afj?:j>", 3, {}, {}},
};

}  // namespace

Family higher_order_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
