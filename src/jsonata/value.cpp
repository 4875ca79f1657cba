#include "jsonata/value.hpp"

#include <algorithm>

#include "jsonata/failure.hpp"
#include "jsonata/stack_guard.hpp"

namespace millrace::jsonata {

void Array::grow(Arena& arena, std::size_t size_min) {
  std::size_t wanted = std::max<std::size_t>({size_min, std::size_t{capacity} * 2, 4});
  if (wanted > 0xffff'ffffu) throw Failure{.code = "U1002"};
  Value* bigger = arena.allocate_array<Value>(wanted);
  if (size > 0) std::memcpy(static_cast<void*>(bigger), items, size * sizeof(Value));
  items = bigger;
  capacity = static_cast<std::uint32_t>(wanted);
}

Array* make_array(Arena& arena, std::size_t capacity) {
  Array* array = arena.make<Array>();
  if (capacity > 0) array->grow(arena, capacity);
  return array;
}

Array* make_sequence(Arena& arena) {
  Array* array = arena.make<Array>();
  array->sequence = true;
  return array;
}

Array* make_sequence(Arena& arena, Value only) {
  Array* array = make_sequence(arena);
  array->items = arena.make<Value>(only);
  array->size = 1;
  array->capacity = 1;
  return array;
}

namespace {

std::uint64_t load(const char* from, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, count);
  return word;
}

/// Whether the key is an array index as ECMAScript orders keys by, and which.
bool array_index(std::string_view key, std::uint64_t& index) {
  if (key.empty() || key.size() > 10 || key[0] < '0' || key[0] > '9') return false;
  if (key[0] == '0' && key.size() > 1) return false;
  index = 0;
  for (char c : key) {
    if (c < '0' || c > '9') return false;
    index = index * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return index < 0xffff'ffffu;
}

}  // namespace

std::uint32_t hash_of(std::string_view key) {
  constexpr std::uint64_t factor = 0x9e37'79b9'7f4a'7c15u;
  std::uint64_t hash = key.size() * factor;
  const char* at = key.data();
  std::size_t left = key.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
  }
  if (left >= 4) {
    hash ^= (load(at, 4) << 32) | load(at + left - 4, 4);
  } else if (left > 0) {
    hash ^= static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16 |
            static_cast<std::uint64_t>(static_cast<unsigned char>(at[left >> 1])) << 8 |
            static_cast<unsigned char>(at[left - 1]);
  }
  hash *= factor;
  return static_cast<std::uint32_t>(hash >> 32);
}

Object* make_object(Arena& arena, std::size_t capacity) {
  Object* object = arena.make<Object>();
  if (capacity > 0) {
    object->members = arena.allocate_array<Member>(capacity);
    object->capacity = static_cast<std::uint32_t>(capacity);
  }
  return object;
}

void Object::set(Arena& arena, Key key, Value value) {
  if (Value* found = find(arena, key)) {
    *found = value;
  } else {
    add(arena, key, value);
  }
}

void Object::add(Arena& arena, Key key, Value value) {
  if (size == capacity) {
    std::size_t wanted = std::max<std::size_t>(std::size_t{capacity} * 2, 4);
    if (wanted > 0x7fff'ffffu) throw Failure{.code = "U1002"};
    Member* bigger = arena.allocate_array<Member>(wanted);
    if (size > 0) std::memcpy(static_cast<void*>(bigger), members, size * sizeof(Member));
    members = bigger;
    capacity = static_cast<std::uint32_t>(wanted);
  }
  std::uint32_t at = size;
  std::uint64_t index = 0;
  if (array_index(key.view(), index)) {
    at = index_keys;
    std::uint64_t other = 0;
    while (at > 0 && array_index(members[at - 1].key.view(), other) && other > index) --at;
    ++index_keys;
    std::memmove(static_cast<void*>(members + at + 1), members + at, (size - at) * sizeof(Member));
  }
  members[at] = Member{key, value};
  ++size;
  if (table == nullptr) return;
  if (at + 1 != size || size * 2 > table_mask) {
    table = nullptr;
    return;
  }
  std::uint32_t slot = key.hash & table_mask;
  while (table[slot] != 0) slot = (slot + 1) & table_mask;
  table[slot] = size;
}

void Object::remove(Arena& arena, Key key) {
  Value* found = find(arena, key);
  if (found == nullptr) return;
  std::size_t at = 0;
  while (&members[at].value != found) ++at;
  if (at < index_keys) --index_keys;
  std::memmove(static_cast<void*>(members + at), members + at + 1, (size - at - 1) * sizeof(Member));
  --size;
  table = nullptr;
}

void Object::build_table(Arena& arena) {
  std::uint32_t slots = 64;
  while (slots < size * 4) slots *= 2;
  table = arena.allocate_array<std::uint32_t>(slots);
  std::memset(table, 0, slots * sizeof(std::uint32_t));
  table_mask = slots - 1;
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint32_t slot = members[i].key.hash & table_mask;
    while (table[slot] != 0) slot = (slot + 1) & table_mask;
    table[slot] = i + 1;
  }
}

Value* Object::find_in_table(Arena& arena, Key key) {
  if (table == nullptr) build_table(arena);
  for (std::uint32_t slot = key.hash & table_mask; table[slot] != 0; slot = (slot + 1) & table_mask) {
    Member& m = members[table[slot] - 1];
    if (m.key.hash == key.hash && m.key.view() == key.view()) return &m.value;
  }
  return nullptr;
}

const Value* Tuple::find(std::string_view name) const {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (bindings[i].name == name) return &bindings[i].value;
  }
  return nullptr;
}

bool deep_equal(Arena& arena, Value a, Value b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case Type::boolean:
      return a.boolean == b.boolean;
    case Type::number:
      return a.number == b.number;
    case Type::string:
      return a.string() == b.string();
    case Type::array: {
      if (a.array == b.array) return true;
      if (a.array->size != b.array->size) return false;
      guard_walk();
      for (std::uint32_t i = 0; i < a.array->size; ++i) {
        if (!deep_equal(arena, a.array->items[i], b.array->items[i])) return false;
      }
      return true;
    }
    case Type::object: {
      if (a.object == b.object) return true;
      if (a.object->size != b.object->size) return false;
      guard_walk();
      for (const Member& member : *a.object) {
        const Value* other = b.object->find(arena, member.key);
        if (other == nullptr || !deep_equal(arena, member.value, *other)) return false;
      }
      return true;
    }
    case Type::function:
      return a.function == b.function;
    default:
      return true;
  }
}

int compare_strings(std::string_view a, std::string_view b) {
  std::size_t shared = std::min(a.size(), b.size());
  std::size_t at = 0;
  while (at < shared && a[at] == b[at]) ++at;
  if (at == shared) return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
  unsigned char x = static_cast<unsigned char>(a[at]);
  unsigned char y = static_cast<unsigned char>(b[at]);
  // Code points above U+FFFF (lead byte F0 and up) are surrogates in UTF-16 and sort before U+E000..U+FFFF (EE, EF).
  bool x_astral = x >= 0xf0, y_astral = y >= 0xf0;
  if (x_astral != y_astral) {
    if (x_astral && y >= 0xee) return -1;
    if (y_astral && x >= 0xee) return 1;
  }
  return x < y ? -1 : 1;
}

}  // namespace millrace::jsonata
