#include "jsonata/evaluator.hpp"
#include "jsonata/merge_sort.hpp"

namespace millrace::jsonata {

Frame* Evaluator::tuple_frame(Frame* outer, const Tuple* tuple) {
  return arena_.make<Frame>(Frame{outer, nullptr, tuple, nullptr});
}

Tuple* Evaluator::with_binding(const Tuple* tuple, std::string_view name, Value value) {
  Tuple* result = arena_.make<Tuple>();
  TupleBinding* bindings = arena_.allocate_array<TupleBinding>(tuple->count + 1);
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < tuple->count; ++i) {
    if (tuple->bindings[i].name != name) bindings[count++] = tuple->bindings[i];
  }
  bindings[count++] = TupleBinding{name, value};
  result->focus = tuple->focus;
  result->bindings = bindings;
  result->count = count;
  return result;
}

Array* Evaluator::tuple_step(const Node* node, Array* input, Array* tuples, Frame* frame) {
  Array* result = make_sequence(arena_);
  result->tuple_stream = true;
  Value listed;
  if (node->kind == NodeKind::sort) {
    Value sorted = sort(node, Value::of(tuples != nullptr ? tuples : input), frame);
    if (tuples == nullptr) {
      for (std::uint32_t i = 0; i < sorted.array->size; ++i) {
        Tuple* tuple = arena_.make<Tuple>();
        tuple->focus = sorted.array->items[i];
        if (!node->index_name.empty()) tuple = with_binding(tuple, node->index_name, Value::of(static_cast<double>(i)));
        result->push(arena_, Value::of(tuple));
      }
    } else {
      for (Value item : *sorted.array) result->push(arena_, item);
    }
    listed = Value::of(result);
  } else {
    std::uint32_t size = tuples != nullptr ? tuples->size : input->size;
    for (std::uint32_t i = 0; i < size; ++i) {
      Tuple* tuple = nullptr;
      if (tuples != nullptr) {
        tuple = tuples->items[i].tuple;
      } else {
        tuple = arena_.make<Tuple>();
        tuple->focus = input->items[i];
      }
      Value value = eval(node, tuple->focus, tuple_frame(frame, tuple));
      if (value.is_undefined()) continue;
      const Value* items = value.is_array() ? value.array->items : &value;
      std::uint32_t count = value.is_array() ? value.array->size : 1;
      for (std::uint32_t k = 0; k < count; ++k) {
        Tuple* next = arena_.make<Tuple>(*tuple);
        if (items[k].type == Type::tuple) {
          next->focus = items[k].tuple->focus;
          for (std::uint32_t b = 0; b < items[k].tuple->count; ++b)
            next = with_binding(next, items[k].tuple->bindings[b].name, items[k].tuple->bindings[b].value);
        } else {
          if (node->focus_name.empty()) {
            next->focus = items[k];
          } else {
            next = with_binding(next, node->focus_name, items[k]);
          }
          if (!node->index_name.empty()) next = with_binding(next, node->index_name, Value::of(static_cast<double>(k)));
          if (node->ancestor != nullptr) next = with_binding(next, node->ancestor->label, tuple->focus);
        }
        result->push(arena_, Value::of(next));
      }
    }
    listed = Value::of(result);
  }
  if (!node->stages.empty()) listed = stages(node->stages, listed, frame);
  return listed.is_array() ? listed.array : result;
}

Value Evaluator::sort(const Node* node, Value input, Frame* frame) {
  if (!input.is_array() || input.array->size < 2) return input;
  const bool tuples = input.array->tuple_stream;
  const std::uint32_t size = input.array->size;
  const std::size_t terms = node->terms.size();
  // Each item's keys are evaluated once, later terms only where earlier ones tie.
  Value* keys = arena_.allocate_array<Value>(size * terms);
  for (std::size_t i = 0; i < size * terms; ++i) keys[i] = Value::of_type(Type::unset);
  auto key = [&](std::uint32_t item, std::size_t term) {
    Value& slot = keys[item * terms + term];
    if (slot.type != Type::unset) return slot;
    Value context = input.array->items[item];
    Frame* inner = frame;
    if (tuples) {
      inner = tuple_frame(frame, context.tuple);
      context = context.tuple->focus;
    }
    return slot = eval(node->terms[term].expression, context, inner);
  };
  auto after = [&](std::uint32_t a, std::uint32_t b) {
    tick();
    for (std::size_t t = 0; t < terms; ++t) {
      Value x = key(a, t), y = key(b, t);
      if (x.is_undefined() || y.is_undefined()) {
        if (x.is_undefined() && y.is_undefined()) continue;
        return x.is_undefined();
      }
      for (Value v : {x, y}) {
        if (!v.is_string() && !v.is_number()) throw Failure{.code = "T2008", .position = node->position, .value = v};
      }
      if (x.type != y.type) throw Failure{.code = "T2007", .position = node->position, .value = x, .value2 = y};
      // NaN is behind everything, itself as well.
      int order = x.is_number() ? (x.number == y.number  ? 0
                                   : x.number < y.number ? -1
                                                         : 1)
                                : compare_strings(x.string(), y.string());
      if (node->terms[t].descending) order = -order;
      if (order != 0) return order > 0;
    }
    return false;
  };
  std::uint32_t* order = arena_.allocate_array<std::uint32_t>(size);
  for (std::uint32_t i = 0; i < size; ++i) order[i] = i;
  merge_sort(order, arena_.allocate_array<std::uint32_t>(size), size, after);
  Array* sorted = make_array(arena_, size);
  for (std::uint32_t i = 0; i < size; ++i) sorted->push(arena_, input.array->items[order[i]]);
  sorted->sequence = true;
  sorted->tuple_stream = tuples;
  return Value::of(sorted);
}

}  // namespace millrace::jsonata
