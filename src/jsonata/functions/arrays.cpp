#include <cmath>

#include "jsonata/functions/library.hpp"
#include "jsonata/merge_sort.hpp"

namespace millrace::jsonata {
namespace {

Value append(const Call& c) {
  if (!c[0].is_undefined() && !c[1].is_undefined() && !c[0].is_array() && !c[1].is_array()) {
    Array* both = make_array(c.arena, 2);
    both->push(c.arena, c[0]);
    both->push(c.arena, c[1]);
    return Value::of(both);
  }
  return c.evaluator.append(c[0], c[1]);
}

Value reverse(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  if (list.size <= 1) return c[0];
  Array* result = make_array(c.arena, list.size);
  for (std::uint32_t i = list.size; i > 0; --i) result->push(c.arena, list.items[i - 1]);
  return Value::of(result);
}

Value shuffle(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  if (list.size <= 1) return c[0];
  Array* result = make_array(c.arena, list.size);
  for (std::uint32_t i = 0; i < list.size; ++i) {
    result->push(c.arena, list.items[i]);
    std::uint32_t k = static_cast<std::uint32_t>(c.evaluator.random() % (i + 1));
    std::swap(result->items[i], result->items[k]);
  }
  return Value::of(result);
}

/// A hash under which equal values are equal, for finding duplicates.
std::uint32_t hash_value(Value value, int depth) {
  switch (value.type) {
    case Type::boolean:
      return value.boolean ? 7 : 11;
    case Type::number:
      return hash_of({reinterpret_cast<const char*>(&value.number), value.number == 0 ? 0u : 8u});
    case Type::string:
      return hash_of(value.string());
    case Type::array: {
      std::uint32_t hash = 31 + value.array->size;
      for (std::uint32_t i = 0; i < value.array->size && i < 8 && depth < 4; ++i)
        hash = hash * 31 + hash_value(value.array->items[i], depth + 1);
      return hash;
    }
    case Type::object: {
      std::uint32_t hash = 17 + value.object->size;
      if (depth < 4 && value.object->size <= 32) {
        for (const Member& member : *value.object) hash += member.key.hash ^ (hash_value(member.value, depth + 1) * 31);
      }
      return hash;
    }
    default:
      return static_cast<std::uint32_t>(value.type);
  }
}

Value distinct(const Call& c) {
  if (!c[0].is_array() || c[0].array->size <= 1) return c[0];
  const Array& list = *c[0].array;
  Array* result = make_array(c.arena);
  result->sequence = list.sequence;
  std::uint32_t slots = 16;
  while (slots < list.size * 2ull) slots *= 2;
  std::uint32_t* table = c.arena.allocate_array<std::uint32_t>(slots);
  std::memset(table, 0, slots * sizeof(std::uint32_t));
  for (Value item : list) {
    std::uint32_t slot = hash_value(item, 0) & (slots - 1);
    bool known = false;
    for (; table[slot] != 0 && !known; slot = known ? slot : (slot + 1) & (slots - 1)) {
      c.evaluator.tick();
      known = deep_equal(c.arena, result->items[table[slot] - 1], item);
      if (known) break;
    }
    if (known) continue;
    result->push(c.arena, item);
    table[slot] = result->size;
  }
  return Value::of(result);
}

/// Whether JavaScript takes the value for true: the reference does not ask the language here.
bool holds(Value value) {
  if (value.is_array() || value.is_object() || value.is_function()) return true;
  return value.is_number() ? value.number != 0 && !std::isnan(value.number) : Evaluator::truth(value);
}

Value sort(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  if (list.size <= 1) return c[0];
  Array* result = make_array(c.arena, list.size);
  for (Value item : list) result->push(c.arena, item);
  Value* spare = c.arena.allocate_array<Value>(list.size);
  Evaluator& evaluator = c.evaluator;
  if (c[1].is_undefined()) {
    bool numbers = true, strings = true;
    for (Value item : list) {
      if (item.is_number() && std::isinf(item.number)) throw Failure{.code = "D1001", .value = item};
      numbers = numbers && item.is_number() && !std::isnan(item.number);
      strings = strings && item.is_string();
    }
    if (!numbers && !strings) throw Failure{.code = "D3070", .index = 1};
    auto after = [&](Value a, Value b) {
      evaluator.tick();
      return numbers ? a.number > b.number : compare_strings(a.string(), b.string()) > 0;
    };
    merge_sort(result->items, spare, list.size, after);
  } else {
    auto after = [&](Value a, Value b) {
      const Value arguments[] = {a, b};
      return holds(evaluator.call(c[1], arguments, 2));
    };
    merge_sort(result->items, spare, list.size, after);
  }
  return Value::of(result);
}

Value zip(const Call& c) {
  Array* result = make_array(c.arena);
  std::uint32_t shortest = c.count == 0 ? 0 : ~0u;
  for (std::size_t i = 0; i < c.count; ++i) {
    std::uint32_t size = c[i].is_array() ? c[i].array->size : c[i].is_undefined() ? 0 : 1;
    shortest = size < shortest ? size : shortest;
  }
  for (std::uint32_t row = 0; row < shortest; ++row) {
    Array* tuple = make_array(c.arena, c.count);
    for (std::size_t i = 0; i < c.count; ++i) tuple->push(c.arena, c[i].is_array() ? c[i].array->items[row] : c[i]);
    result->push(c.arena, Value::of(tuple));
  }
  return Value::of(result);
}

const BuiltIn functions[] = {
    {"append", append, "<xx:a>", 2, {}, {}},  {"reverse", reverse, "<a:a>", 1, {}, {}},
    {"shuffle", shuffle, "<a:a>", 1, {}, {}}, {"distinct", distinct, "<x:x>", 1, {}, {}},
    {"sort", sort, "<af?:a>", 2, {}, {}},     {"zip", zip, "<a+>", 0, {}, {}},
};

}  // namespace

Family array_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
