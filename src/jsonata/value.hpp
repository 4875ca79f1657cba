#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "jsonata/arena.hpp"

namespace millrace::jsonata {

enum class Type : std::uint8_t {
  undefined,
  null,
  boolean,
  number,
  string,
  array,
  object,
  function,
  tuple,      ///< one item of a tuple stream (`@`, `#`, `%`)
  unset,      ///< a variable's slot before its binding
  tail_call,  ///< a call in tail position, to be made by whoever applies the function
};

struct Array;
struct Object;
struct Function;
struct Tuple;

/// One JSONata value, 16 bytes, copied freely; what it points to lives in an arena or in the input text.
/// Strings are UTF-8; a lone surrogate of the input is kept as its three-byte form.
struct Value {
  Type type = Type::undefined;
  std::uint32_t length = 0;  ///< bytes of a string
  union {
    double number;
    bool boolean;
    const char* text;
    Array* array;
    Object* object;
    const Function* function;
    Tuple* tuple;
    std::uint64_t bits = 0;
  };

  static Value of(double number) {
    Value v;
    v.type = Type::number;
    v.number = number;
    return v;
  }
  static Value of(std::string_view text) {
    Value v;
    v.type = Type::string;
    v.length = static_cast<std::uint32_t>(text.size());
    v.text = text.data();
    return v;
  }
  static Value of(Array* array) {
    Value v;
    v.type = Type::array;
    v.array = array;
    return v;
  }
  static Value of(Object* object) {
    Value v;
    v.type = Type::object;
    v.object = object;
    return v;
  }
  static Value of(const Function* function) {
    Value v;
    v.type = Type::function;
    v.function = function;
    return v;
  }
  static Value of(Tuple* tuple) {
    Value v;
    v.type = Type::tuple;
    v.tuple = tuple;
    return v;
  }
  static Value boolean_of(bool truth) {
    Value v;
    v.type = Type::boolean;
    v.boolean = truth;
    return v;
  }
  static Value null() { return of_type(Type::null); }
  static Value of_type(Type type) {
    Value v;
    v.type = type;
    return v;
  }

  bool is_undefined() const { return type == Type::undefined; }
  bool is_number() const { return type == Type::number; }
  bool is_string() const { return type == Type::string; }
  bool is_array() const { return type == Type::array; }
  bool is_object() const { return type == Type::object; }
  bool is_function() const { return type == Type::function; }
  bool is_boolean() const { return type == Type::boolean; }
  std::string_view string() const { return {text, length}; }
};

/// A list of values. The flags are those the language's sequence rules speak of (https://docs.jsonata.org/processing).
struct Array {
  Value* items = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  bool sequence = false;        ///< made by a path or a function; one item stands for itself
  bool keep_singleton = false;  ///< `[]` was said: one item stays an array
  bool constructed = false;     ///< made by `[…]` as first or last step: not flattened
  bool outer_wrapper = false;   ///< holds the input array itself
  bool tuple_stream = false;    ///< items are tuples

  void push(Arena& arena, Value value) {
    if (size == capacity) grow(arena, size + 1);
    items[size++] = value;
  }
  void grow(Arena& arena, std::size_t size_min);
  Value* begin() const { return items; }
  Value* end() const { return items + size; }
};

Array* make_array(Arena& arena, std::size_t capacity = 0);
Array* make_sequence(Arena& arena);
Array* make_sequence(Arena& arena, Value only);

std::uint32_t hash_of(std::string_view key);

/// A key with its hash, as a path step carries it.
struct Key {
  const char* text = nullptr;
  std::uint32_t length = 0;
  std::uint32_t hash = 0;

  static Key of(std::string_view text) { return {text.data(), static_cast<std::uint32_t>(text.size()), hash_of(text)}; }
  std::string_view view() const { return {text, length}; }
};

struct Member {
  Key key;
  Value value;
};

/// An object: members in ECMAScript's order (keys that are array indices first, ascending; then as they came).
/// Searched one by one while small, by a table of hashes when large.
struct Object {
  Member* members = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint32_t index_keys = 0;  ///< how many leading keys are array indices
  std::uint32_t table_mask = 0;
  std::uint32_t* table = nullptr;  ///< positions + 1, open addressing; null while small

  Value* find(Arena& arena, Key key) {
    if (size > linear_max) return find_in_table(arena, key);
    for (Member *m = members, *end = members + size; m != end; ++m) {
      if (m->key.hash == key.hash && m->key.length == key.length && std::memcmp(m->key.text, key.text, key.length) == 0)
        return &m->value;
    }
    return nullptr;
  }
  /// Sets or adds; the key's text must outlive the object.
  void set(Arena& arena, Key key, Value value);
  /// Adds a key that is known to be absent.
  void add(Arena& arena, Key key, Value value);
  void remove(Arena& arena, Key key);
  /// Prepares a large object for searching now, in the arena it lives in, so that later searches only read.
  void prepare(Arena& arena) {
    if (size > linear_max && table == nullptr) build_table(arena);
  }
  Member* begin() const { return members; }
  Member* end() const { return members + size; }

  static constexpr std::uint32_t linear_max = 32;

 private:
  Value* find_in_table(Arena& arena, Key key);
  void build_table(Arena& arena);
};

Object* make_object(Arena& arena, std::size_t capacity = 0);

/// Names bound beside the context while a path with `@`, `#` or `%` runs.
struct TupleBinding {
  std::string_view name;
  Value value;
};
struct Tuple {
  Value focus;
  const TupleBinding* bindings = nullptr;
  std::uint32_t count = 0;

  const Value* find(std::string_view name) const;
};

/// The values are equal as `=` compares them: deeply, objects regardless of key order, functions by identity.
bool deep_equal(Arena& arena, Value a, Value b);

/// < 0, 0, > 0: the order of ECMAScript strings, that is of UTF-16 code units.
int compare_strings(std::string_view a, std::string_view b);

}  // namespace millrace::jsonata
