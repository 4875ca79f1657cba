#include "jsonata/evaluator.hpp"

namespace millrace::jsonata {
namespace {

/// The items that share one key, and which pair of the constructor made it.
struct Bucket {
  Value data;
  std::size_t pair;
  Array* own;  ///< the list made here, once there are two items
};

}  // namespace

std::string_view Evaluator::group_key(Value key, std::int64_t position) {
  if (!key.is_string()) throw Failure{.code = "T1003", .position = position, .value = key};
  if (key.string() == "_jsonata_lambda" || key.string() == "_jsonata_function")  // the reference's own flags
    throw Failure{.code = "D1013", .position = position, .value = key};
  return key.string();
}

Value Evaluator::object(const Node* node, Value input, Frame* frame) {
  if (input.is_array()) return group(node->pairs, node->position, input, frame);
  Object* result = make_object(arena_, node->pairs.size());
  for (const Pair& pair : node->pairs) {
    Key key;
    if (pair.key->kind == NodeKind::string) {
      key = pair.key->key;
      if (key.text == nullptr) key = Key::of(group_key(pair.key->value, node->position));
    } else {
      Value text = eval(pair.key, input, frame);
      if (text.is_undefined()) continue;
      key = Key::of(group_key(text, node->position));
    }
    if (result->find(arena_, key) != nullptr)
      throw Failure{.code = "D1009", .position = node->position, .value = Value::of(key.view())};
    // Undefined members are kept until all keys are known to differ.
    result->add(arena_, key, eval(pair.value, input, frame));
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < result->size; ++i) {
    if (result->members[i].value.is_undefined()) {
      if (i < result->index_keys && kept < result->index_keys) result->table = nullptr;
      continue;
    }
    if (kept != i) result->members[kept] = result->members[i];
    ++kept;
  }
  if (kept != result->size) {
    result->size = kept;
    result->table = nullptr;
    result->index_keys = 0;
    // Recount the leading index keys by setting them anew only where there are any.
    for (std::uint32_t i = 0; i < kept; ++i) {
      char c = result->members[i].key.length > 0 ? result->members[i].key.text[0] : 'x';
      if (c >= '0' && c <= '9') {
        Object* again = make_object(arena_, kept);
        for (const Member& member : *result) again->add(arena_, member.key, member.value);
        return Value::of(again);
      }
    }
  }
  return Value::of(result);
}

Value Evaluator::group(const std::vector<Pair>& pairs, std::int64_t position, Value input, Frame* frame) {
  const bool tuples = input.is_array() && input.array->tuple_stream;
  Array* items = input.is_array() ? input.array : make_sequence(arena_, input);
  if (items->size == 0 && !tuples) items = make_sequence(arena_, Value{});
  return group_many(pairs, position, items, tuples, frame);
}

Value Evaluator::group_many(const std::vector<Pair>& pairs, std::int64_t position, Array* items, bool tuples,
                            Frame* frame) {
  Object* buckets = make_object(arena_);  // key → index into `lists`, as a number
  std::vector<Bucket> lists;
  for (Value item : *items) {
    Frame* inner = frame;
    Value context = item;
    if (item.type == Type::tuple) {
      inner = tuple_frame(frame, item.tuple);
      context = item.tuple->focus;
    }
    for (std::size_t p = 0; p < pairs.size(); ++p) {
      tick();
      Value text = eval(pairs[p].key, context, inner);
      if (text.is_undefined()) continue;
      Key key = Key::of(group_key(text, position));
      Value* known = buckets->find(arena_, key);
      if (known == nullptr) {
        buckets->add(arena_, key, Value::of(static_cast<double>(lists.size())));
        lists.push_back({item, p, nullptr});
        continue;
      }
      Bucket& bucket = lists[static_cast<std::size_t>(known->number)];
      if (bucket.pair != p) throw Failure{.code = "D1009", .position = position, .value = text};
      if (item.is_undefined()) continue;
      if (bucket.own == nullptr) {
        bucket.own = make_array(arena_, 4);
        bucket.own->tuple_stream = tuples;
        if (bucket.data.is_array()) {
          for (Value v : *bucket.data.array) bucket.own->push(arena_, v);
        } else if (!bucket.data.is_undefined()) {
          bucket.own->push(arena_, bucket.data);
        }
        bucket.data = Value::of(bucket.own);
      }
      if (item.is_array()) {
        for (Value v : *item.array) bucket.own->push(arena_, v);
      } else {
        bucket.own->push(arena_, item);
      }
    }
  }
  Object* result = make_object(arena_, buckets->size);
  for (const Member& member : *buckets) {
    const Bucket& bucket = lists[static_cast<std::size_t>(member.value.number)];
    Value context = bucket.data;
    Frame* inner = frame;
    if (tuples) {
      // Tuples of one key are merged name by name, each name's values in one list.
      const Value* all = context.is_array() ? context.array->items : &context;
      std::uint32_t count = context.is_array() ? context.array->size : 1;
      Tuple* merged = arena_.make<Tuple>(*all[0].tuple);
      for (std::uint32_t i = 1; i < count; ++i) {
        const Tuple& other = *all[i].tuple;
        merged->focus = append(merged->focus, other.focus);
        for (std::uint32_t b = 0; b < other.count; ++b) {
          const Value* before = merged->find(other.bindings[b].name);
          Value value = before == nullptr ? other.bindings[b].value : append(*before, other.bindings[b].value);
          *merged = *with_binding(merged, other.bindings[b].name, value);
        }
      }
      context = merged->focus;
      inner = tuple_frame(frame, merged);
    }
    Value value = eval(pairs[bucket.pair].value, context, inner);
    if (!value.is_undefined()) result->add(arena_, member.key, value);
  }
  return Value::of(result);
}

}  // namespace millrace::jsonata
