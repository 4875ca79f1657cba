#include <algorithm>
#include <cmath>

#include "jsonata/evaluator.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

void push_flat(Arena& arena, Array* to, Value value) {
  if (value.is_array()) {
    for (Value item : *value.array) to->push(arena, item);
  } else {
    to->push(arena, value);
  }
}

}  // namespace

Value Evaluator::lookup(Value input, const Key& key) {
  if (input.is_object()) {
    const Value* found = input.object->find(arena_, key);
    return found == nullptr ? Value{} : *found;
  }
  if (!input.is_array()) return {};
  guard_walk();
  Array* result = make_sequence(arena_);
  for (Value item : *input.array) {
    Value found = lookup(item, key);
    if (!found.is_undefined()) push_flat(arena_, result, found);
  }
  return Value::of(result);
}

/// Fields of fields without predicates, while no array is met.
Value Evaluator::plain_path(const Node* node, Value input, Frame* frame) {
  const std::size_t count = node->items.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (input.is_array()) {
      if (i > 0 && !input.array->sequence) {
        Array* sequence = make_sequence(arena_);
        *sequence = *input.array;
        sequence->sequence = true;
        sequence->keep_singleton = false;
        return path_steps(node, i, sequence, frame);
      }
      return path_steps(node, i, input.array, frame);
    }
    if (!input.is_object()) return {};
    const Value* found = input.object->find(arena_, node->items[i]->key);
    if (found == nullptr) return {};
    input = *found;
  }
  if (!node->keep_singleton_array || input.is_undefined()) return input;
  if (input.is_array()) return input;
  Array* kept = make_sequence(arena_, input);
  kept->keep_singleton = true;
  return Value::of(kept);
}

Value Evaluator::path(const Node* node, Value input, Frame* frame) {
  Array* sequence = nullptr;
  if (input.is_array() && node->items[0]->kind != NodeKind::variable) {
    sequence = input.array;
  } else {
    sequence = make_sequence(arena_, input);
  }
  return path_steps(node, 0, sequence, frame);
}

/// Whether a path's first step, `[…]` in parentheses or with a predicate, made no array that the steps behind it could
/// take: an empty text, or a single value that is only sorted. Then it is the path's value, as in the reference.
static bool is_left_alone(const Node* path, Value made) {
  if (made.is_array() || made.is_undefined()) return false;
  if (made.is_string() && made.length == 0) return true;
  return path->items.size() > 1 && std::all_of(path->items.begin() + 1, path->items.end(), [](const Node* step) {
           return step->kind == NodeKind::sort && step->stages.empty() && !step->is_tuple;
         });
}

Value Evaluator::path_steps(const Node* node, std::size_t first, Array* sequence, Frame* frame) {
  Array* tuples = nullptr;
  Array* result = nullptr;
  bool tuple_stream = false;
  const std::size_t count = node->items.size();
  for (std::size_t i = first; i < count; ++i) {
    const Node* current = node->items[i];
    tuple_stream = tuple_stream || current->is_tuple;
    if (i == 0 && current->constructs_array) {
      Value constructed = eval(current, Value::of(sequence), frame);
      if (node->group == nullptr && is_left_alone(node, constructed)) return constructed;
      result = constructed.is_array() ? constructed.array : items_of_scalar(constructed);
    } else if (tuple_stream) {
      tuples = tuple_step(current, sequence, tuples, frame);
    } else {
      result = step(current, sequence, frame, i + 1 == count);
    }
    if (!tuple_stream && (result == nullptr || result->size == 0)) break;
    if (current->focus_name.empty() && result != nullptr) sequence = result;
  }
  if (tuple_stream) {
    if (node->is_tuple) {
      result = tuples;
    } else {
      result = make_sequence(arena_);
      for (Value item : *tuples) result->push(arena_, item.tuple->focus);
    }
  }
  if (node->keep_singleton_array && result != nullptr) {
    if (result->constructed && !result->sequence) result = make_sequence(arena_, Value::of(result));
    result->keep_singleton = true;
  }
  if (node->group != nullptr) {
    Value items = tuple_stream ? Value::of(tuples) : (result == nullptr ? Value{} : Value::of(result));
    return group(node->group->pairs, node->group->position, items, frame);
  }
  return result == nullptr ? Value{} : Value::of(result);
}

/// What the next step sees when a path starts with `[…][0]` and that yields no array: nothing, or a text's characters.
/// So it is in the reference, and expressions may rely on it.
Array* Evaluator::items_of_scalar(Value value) {
  if (value.is_undefined()) return nullptr;
  Array* items = make_sequence(arena_);
  if (value.is_string()) {
    std::string_view text = value.string();
    for (std::size_t at = 0; at < text.size();) {
      std::size_t from = at;
      next_code_point(text, at);
      items->push(arena_, Value::of(text.substr(from, at - from)));
    }
  }
  return items;
}

Array* Evaluator::step(const Node* node, Array* input, Frame* frame, bool last) {
  if (node->kind == NodeKind::sort) {
    Value sorted = sort(node, Value::of(input), frame);
    if (!node->stages.empty()) sorted = stages(node->stages, sorted, frame);
    if (sorted.is_undefined()) return nullptr;
    return sorted.is_array() ? sorted.array : make_sequence(arena_, sorted);
  }
  Array* result = make_sequence(arena_);
  bool flat = true;
  const bool plain_name = node->kind == NodeKind::name && !node->boxed;
  for (std::uint32_t i = 0; i < input->size; ++i) {
    Value item = input->items[i];
    Value value;
    if (plain_name && item.is_object()) {
      tick();
      const Value* found = item.object->find(arena_, node->key);
      if (found != nullptr) value = *found;
    } else {
      value = eval(node, item, frame);
    }
    if (!node->stages.empty()) {
      for (const Stage& stage : node->stages) {
        if (stage.filter != nullptr) value = filter(stage.filter, value, frame);
      }
    }
    if (value.is_undefined()) continue;
    if (value.is_array()) flat = false;
    result->push(arena_, value);
  }
  if (flat) return result;
  if (last && result->size == 1 && !result->items[0].array->sequence) return result->items[0].array;
  Array* flattened = make_sequence(arena_);
  for (Value value : *result) {
    if (value.is_array() && !value.array->constructed) {
      for (Value item : *value.array) flattened->push(arena_, item);
    } else {
      flattened->push(arena_, value);
    }
  }
  return flattened;
}

Value Evaluator::stages(const std::vector<Stage>& list, Value input, Frame* frame) {
  Value result = input;
  for (const Stage& stage : list) {
    if (stage.filter != nullptr) {
      result = filter(stage.filter, result, frame);
    } else if (result.is_array()) {
      Array* numbered = make_sequence(arena_);
      numbered->tuple_stream = true;
      for (std::uint32_t i = 0; i < result.array->size; ++i) {
        Value item = result.array->items[i];
        if (item.type == Type::tuple)
          item = Value::of(with_binding(item.tuple, stage.index_name, Value::of(static_cast<double>(i))));
        numbered->push(arena_, item);
      }
      result = Value::of(numbered);
    }
  }
  return result;
}

Value Evaluator::predicates(const Node* node, Value result, Frame* frame) {
  for (const Stage& stage : node->predicates) result = filter(stage.filter, result, frame);
  if (node->group != nullptr && node->kind != NodeKind::path)
    result = group(node->group->pairs, node->group->position, result, frame);
  return result;
}

Value Evaluator::filter(const Node* predicate, Value input, Frame* frame) {
  Array* results = make_sequence(arena_);
  const bool tuples = input.is_array() && input.array->tuple_stream;
  if (tuples) results->tuple_stream = true;
  const Value* items = &input;
  std::uint32_t size = 1;
  if (input.is_array()) {
    items = input.array->items;
    size = input.array->size;
  }
  if (predicate->kind == NodeKind::number && !predicate->boxed) {
    double index = std::floor(predicate->value.number);
    if (index < 0) index += size;
    if (index >= 0 && index < size) {
      Value item = items[static_cast<std::uint32_t>(index)];
      if (item.is_array()) return item;
      if (!item.is_undefined()) results->push(arena_, item);
    }
    return Value::of(results);
  }
  for (std::uint32_t i = 0; i < size; ++i) {
    Value item = items[i];
    Value context = item;
    Frame* inner = frame;
    if (tuples) {
      context = item.tuple->focus;
      inner = tuple_frame(frame, item.tuple);
    }
    Value verdict = eval(predicate, context, inner);
    auto points_here = [&](Value number) {
      double index = std::floor(number.number);
      if (index < 0) index += size;
      return index == i;
    };
    if (verdict.is_number()) {
      if (is_numeric(verdict) && points_here(verdict)) results->push(arena_, item);
      continue;
    }
    if (verdict.is_array() && verdict.array->size > 0) {
      bool numbers = true;
      for (Value v : *verdict.array) numbers = is_numeric(v) && numbers;
      if (numbers) {
        for (Value v : *verdict.array) {
          if (points_here(v)) results->push(arena_, item);
        }
        continue;
      }
    }
    if (truth(verdict)) results->push(arena_, item);
  }
  return Value::of(results);
}

namespace {

void flatten(Arena& arena, Array* to, Value value) {
  if (value.is_array()) {
    guard_walk();
    for (Value item : *value.array) flatten(arena, to, item);
  } else {
    to->push(arena, value);
  }
}

void descend(Arena& arena, Array* to, Value value) {
  guard_walk();
  if (!value.is_array()) to->push(arena, value);
  if (value.is_array()) {
    for (Value item : *value.array) descend(arena, to, item);
  } else if (value.is_object()) {
    for (const Member& member : *value.object) descend(arena, to, member.value);
  }
}

}  // namespace

Value Evaluator::wildcard(Value input) {
  Array* results = make_sequence(arena_);
  if (input.is_array() && input.array->outer_wrapper && input.array->size > 0) input = input.array->items[0];
  auto take = [&](Value value) {
    if (value.is_undefined()) return;
    if (value.is_array()) results->sequence = false;
    flatten(arena_, results, value);
  };
  if (input.is_array()) {
    for (Value item : *input.array) take(item);
  } else if (input.is_object()) {
    for (const Member& member : *input.object) take(member.value);
  }
  return Value::of(results);
}

Value Evaluator::descendants(Value input) {
  if (input.is_undefined()) return {};
  Array* results = make_sequence(arena_);
  descend(arena_, results, input);
  if (results->size == 1) return results->items[0];
  return Value::of(results);
}

}  // namespace millrace::jsonata
