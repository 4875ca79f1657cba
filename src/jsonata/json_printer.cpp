#include "jsonata/json_printer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "jsonata/failure.hpp"
#include "jsonata/number.hpp"
#include "jsonata/stack_guard.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace::jsonata {
namespace {

constexpr char hex[] = "0123456789abcdef";
constexpr std::size_t kept_size_max = 1u << 20;

/// Where texts are written before their size is known. Kept by the thread between texts while it is small.
struct Buffer {
  char* data = nullptr;
  std::size_t capacity = 0;
  ~Buffer() { std::free(data); }
};
thread_local Buffer thread_buffer;

class Printer {
 public:
  explicit Printer(const PrintOptions& options)
      : options_(options), at_(thread_buffer.data), end_(at_ + thread_buffer.capacity) {}
  ~Printer() {
    if (thread_buffer.capacity <= kept_size_max) return;
    std::free(thread_buffer.data);
    thread_buffer.data = nullptr;
    thread_buffer.capacity = 0;
  }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  std::string_view text() const { return {thread_buffer.data, size()}; }

  void value(Value value, std::size_t level) {
    switch (value.type) {
      case Type::boolean:
        return put(value.boolean ? "true" : "false");
      case Type::number:
        return number(value.number);
      case Type::string:
        return string(value.string());
      case Type::array:
        return array(*value.array, level);
      case Type::object:
        return object(*value.object, level);
      case Type::function:
        return put(options_.digits_15 ? "\"\"" : "null");
      default:
        return put("null");
    }
  }

  void string(std::string_view text) {
    reserve(text.size() + 2);
    *at_++ = '"';
    const char* from = text.data();
    const char* const end = from + text.size();
    for (;;) {
      from = copy_plain(from, end);
      if (from == end) break;
      from = escape(from, end);
    }
    *at_++ = '"';
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(at_ - thread_buffer.data); }

  /// Room for that many bytes and a block of 16 more, which copy_plain may write beyond what it copies.
  void reserve(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes + 16) grow(bytes + 16);
  }

  void grow(std::size_t bytes) {
    const std::size_t used = size();
    if (used > options_.size_max) throw Failure{.code = "U1002"};
    const std::size_t capacity = std::max({used + bytes, thread_buffer.capacity * 2, std::size_t{4096}});
    void* data = std::realloc(thread_buffer.data, capacity);
    if (data == nullptr) throw Failure{.code = "U1002"};
    thread_buffer.data = static_cast<char*>(data);
    thread_buffer.capacity = capacity;
    at_ = thread_buffer.data + used;
    end_ = thread_buffer.data + capacity;
  }

  void put(std::string_view text) {
    reserve(text.size());
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

  void number(double number) {
    if (options_.digits_15) {
      if (std::isinf(number)) throw Failure{.code = "D1001", .value = Value::of(number)};
      number = to_15_digits(number);
    }
    reserve(number_text_max);
    at_ += print_number(number, at_);
  }

  /// Copies up to what needs an escape; there is room for the rest of the text.
  const char* copy_plain(const char* from, const char* end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f),
                  surrogate = _mm_set1_epi8(static_cast<char>(0xed));
    while (end - from >= 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at_), bytes);
      const __m128i hit = _mm_or_si128(
          _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
          _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes), _mm_cmpeq_epi8(bytes, surrogate)));
      const int mask = _mm_movemask_epi8(hit);
      const int plain = mask == 0 ? 16 : __builtin_ctz(static_cast<unsigned>(mask));
      at_ += plain;
      from += plain;
      if (mask != 0) return from;
    }
#endif
    for (; from != end; ++from) {
      const auto c = static_cast<unsigned char>(*from);
      if (c < 0x20 || c == '"' || c == '\\' || c == 0xed) break;
      *at_++ = *from;
    }
    return from;
  }

  /// Writes what stands at `from` and returns what is behind it.
  const char* escape(const char* from, const char* end) {
    reserve(static_cast<std::size_t>(end - from) + 8);
    const auto c = static_cast<unsigned char>(*from);
    if (c == 0xed) {  // U+D000..U+DFFF: only surrogates need an escape
      if (end - from < 3 || static_cast<unsigned char>(from[1]) < 0xa0) {
        *at_++ = *from;
        return from + 1;
      }
      unicode(0xd000u | (static_cast<unsigned char>(from[1]) & 0x3fu) << 6 |
              (static_cast<unsigned char>(from[2]) & 0x3fu));
      return from + 3;
    }
    constexpr std::string_view known = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    const std::size_t which = known.find(static_cast<char>(c));
    if (which == std::string_view::npos) {
      unicode(c);
    } else {
      *at_++ = '\\';
      *at_++ = letters[which];
    }
    return from + 1;
  }

  void unicode(unsigned code) {
    *at_++ = '\\';
    *at_++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) *at_++ = hex[code >> shift & 15];
  }

  void indent(std::size_t level) {
    reserve(level * 2 + 1);
    *at_++ = '\n';
    std::memset(at_, ' ', level * 2);
    at_ += level * 2;
  }

  void array(const Array& array, std::size_t level) {
    guard_stack();
    put("[");
    for (std::uint32_t i = 0; i < array.size; ++i) {
      if (i > 0) put(",");
      if (options_.indent) indent(level + 1);
      value(array.items[i], level + 1);
    }
    if (options_.indent && array.size > 0) indent(level);
    put("]");
    check_size();
  }

  void object(const Object& object, std::size_t level) {
    guard_stack();
    put("{");
    bool first = true;
    for (const Member& member : object) {
      if (member.value.is_undefined() || (member.value.is_function() && !options_.digits_15)) continue;
      if (!first) put(",");
      first = false;
      if (options_.indent) indent(level + 1);
      string(member.key.view());
      put(options_.indent ? ": " : ":");
      value(member.value, level + 1);
    }
    if (options_.indent && !first) indent(level);
    put("}");
    check_size();
  }

  void check_size() const {
    if (size() > options_.size_max) throw Failure{.code = "U1002"};
  }

  const PrintOptions& options_;
  char* at_;
  char* end_;
};

}  // namespace

void print_json(std::string& to, Value value, const PrintOptions& options) {
  Printer printer(options);
  printer.value(value, 0);
  to.append(printer.text());
}

void print_json_string(std::string& to, std::string_view text) {
  const PrintOptions options;
  Printer printer(options);
  printer.string(text);
  to.append(printer.text());
}

}  // namespace millrace::jsonata
