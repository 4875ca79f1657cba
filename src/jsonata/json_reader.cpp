#include "jsonata/json_reader.hpp"

#include <algorithm>
#include <vector>

#include "jsonata/failure.hpp"
#include "jsonata/number.hpp"
#include "jsonata/stack_guard.hpp"
#include "jsonata/utf8.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace::jsonata {
namespace {

/// Items of the arrays and objects being read, until their number is known. Kept by the thread between documents.
struct Scratch {
  std::vector<Value> items;
  std::vector<Member> members;
  bool in_use = false;
};
thread_local Scratch thread_scratch;

class Reader {
 public:
  Reader(Arena& arena, std::string_view text, Scratch& scratch)
      : arena_(arena), start_(text.data()), at_(text.data()), end_(at_ + text.size()), scratch_(scratch) {}

  Value document() {
    Value value = read(0);
    skip_space();
    if (at_ != end_) fail();
    return value;
  }

 private:
  [[noreturn]] void fail() const { throw Failure{.code = "U1101", .position = at_ - start_}; }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  char peek() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) > ' ') return *at_;
    skip_space();
    if (at_ == end_) fail();
    return *at_;
  }

  Value read(std::size_t depth) {
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return Value::of(string());
      case 't':
        return word("true", Value::boolean_of(true));
      case 'f':
        return word("false", Value::boolean_of(false));
      case 'n':
        return word("null", Value::null());
      default:
        return number();
    }
  }

  Value word(std::string_view expected, Value value) {
    if (static_cast<std::size_t>(end_ - at_) < expected.size() ||
        std::memcmp(at_, expected.data(), expected.size()) != 0)
      fail();
    at_ += expected.size();
    return value;
  }

  Value number() {
    std::size_t used = 0;
    auto number = read_json_number({at_, static_cast<std::size_t>(end_ - at_)}, used);
    if (!number) fail();
    at_ += used;
    if (at_ != end_ && (*at_ == '.' || (*at_ >= '0' && *at_ <= '9') || *at_ == 'e' || *at_ == 'E')) fail();
    return Value::of(*number);
  }

  void enter(std::size_t depth) {
    if (depth >= json_depth_max) throw Failure{.code = "U1102", .position = at_ - start_};
    guard_stack();
    ++at_;
  }

  Value array(std::size_t depth) {
    enter(depth);
    std::size_t first = scratch_.items.size();
    if (peek() == ']') {
      ++at_;
      return Value::of(make_array(arena_));
    }
    for (;;) {
      Value item = read(depth + 1);
      scratch_.items.push_back(item);
      char next = peek();
      ++at_;
      if (next == ']') break;
      if (next != ',') {
        --at_;
        fail();
      }
    }
    std::size_t count = scratch_.items.size() - first;
    Array* array = make_array(arena_);
    array->items = arena_.allocate_array<Value>(count);
    std::memcpy(static_cast<void*>(array->items), scratch_.items.data() + first, count * sizeof(Value));
    array->size = array->capacity = static_cast<std::uint32_t>(count);
    scratch_.items.resize(first);
    return Value::of(array);
  }

  Value object(std::size_t depth) {
    enter(depth);
    std::size_t first = scratch_.members.size();
    std::uint64_t seen = 0;
    bool plain = true;  // no key seen twice, none that is a number
    if (peek() == '}') {
      ++at_;
      return Value::of(make_object(arena_));
    }
    for (;;) {
      if (peek() != '"') fail();
      Key key = Key::of(string());
      std::uint64_t bit = std::uint64_t{1} << (key.hash & 63);
      if (plain) {
        if (key.length > 0 && key.text[0] >= '0' && key.text[0] <= '9') plain = false;
        if ((seen & bit) != 0) {
          if (scratch_.members.size() - first > 64) {
            plain = false;
          } else {
            for (std::size_t i = first; i < scratch_.members.size(); ++i) {
              const Key& other = scratch_.members[i].key;
              if (other.hash == key.hash && other.view() == key.view()) plain = false;
            }
          }
        }
      }
      seen |= bit;
      if (peek() != ':') fail();
      ++at_;
      Value value = read(depth + 1);
      scratch_.members.push_back(Member{key, value});
      char next = peek();
      ++at_;
      if (next == '}') break;
      if (next != ',') {
        --at_;
        fail();
      }
    }
    std::size_t count = scratch_.members.size() - first;
    const Member* members = scratch_.members.data() + first;
    Object* object = make_object(arena_, count);
    if (plain) {
      std::memcpy(static_cast<void*>(object->members), members, count * sizeof(Member));
      object->size = static_cast<std::uint32_t>(count);
    } else {
      for (std::size_t i = 0; i < count; ++i) object->set(arena_, members[i].key, members[i].value);
    }
    scratch_.members.resize(first);
    object->prepare(arena_);
    return Value::of(object);
  }

  /// Moves to the next quote, backslash or control character.
  void scan_string() {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    while (end_ - at_ >= 16) {
      __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
      __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
                                 _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
      int mask = _mm_movemask_epi8(hit);
      if (mask != 0) {
        at_ += __builtin_ctz(static_cast<unsigned>(mask));
        return;
      }
      at_ += 16;
    }
#endif
    while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) ++at_;
  }

  std::string_view string() {
    const char* from = ++at_;
    scan_string();
    if (at_ == end_) fail();
    if (*at_ == '"') {
      std::string_view text{from, static_cast<std::size_t>(at_ - from)};
      ++at_;
      return text;
    }
    return string_with_escapes(from);
  }

  std::string_view string_with_escapes(const char* from) {
    const char* close = at_;
    while (close != end_ && *close != '"') close += *close == '\\' && close + 1 != end_ ? 2 : 1;
    std::size_t room = static_cast<std::size_t>(close - from);
    char* to = static_cast<char*>(arena_.allocate(room));
    char* out = to;
    for (;;) {
      std::size_t plain = static_cast<std::size_t>(at_ - from);
      std::memcpy(out, from, plain);
      out += plain;
      if (at_ == end_ || static_cast<unsigned char>(*at_) < 0x20) fail();
      if (*at_ == '"') break;
      out = escape(out);
      from = at_;
      scan_string();
    }
    ++at_;
    std::size_t size = static_cast<std::size_t>(out - to);
    arena_.shrink_last(to, room, size);
    return {to, size};
  }

  char* escape(char* out) {
    ++at_;
    if (at_ == end_) fail();
    char c = *at_++;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        *out++ = c;
        return out;
      case 'b':
        *out++ = '\b';
        return out;
      case 'f':
        *out++ = '\f';
        return out;
      case 'n':
        *out++ = '\n';
        return out;
      case 'r':
        *out++ = '\r';
        return out;
      case 't':
        *out++ = '\t';
        return out;
      case 'u':
        break;
      default:
        --at_;
        fail();
    }
    std::uint32_t code = hex4();
    if (code >= 0xd800 && code < 0xdc00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
      const char* back = at_;
      at_ += 2;
      std::uint32_t low = hex4();
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else {
        at_ = back;
      }
    }
    return write_code_point(out, code);
  }

  std::uint32_t hex4() {
    if (end_ - at_ < 4) fail();
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      char c = *at_;
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A' + 10);
      else
        fail();
      code = code << 4 | digit;
    }
    return code;
  }

  Arena& arena_;
  const char* start_;
  const char* at_;
  const char* end_;
  Scratch& scratch_;
};

}  // namespace

Value read_json(Arena& arena, std::string_view text) {
  if (text.size() > 0xffff'ffffu) throw Failure{.code = "U1002"};
  Scratch& scratch = thread_scratch;
  std::size_t items = scratch.items.size(), members = scratch.members.size();
  struct Restore {
    Scratch& scratch;
    std::size_t items, members;
    ~Restore() {
      scratch.items.resize(items);
      scratch.members.resize(members);
      if (items == 0 && scratch.items.capacity() > 65536) std::vector<Value>().swap(scratch.items);
      if (members == 0 && scratch.members.capacity() > 65536) std::vector<Member>().swap(scratch.members);
    }
  } restore{scratch, items, members};
  return Reader(arena, text, scratch).document();
}

}  // namespace millrace::jsonata
