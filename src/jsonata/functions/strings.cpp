#include <algorithm>
#include <cmath>

#include "jsonata/functions/library.hpp"
#include "jsonata/json_printer.hpp"
#include "jsonata/letter_case.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

Value string(const Call& c) {
  Value value = c[0];
  if (value.is_array() && value.array->outer_wrapper && value.array->size > 0) value = value.array->items[0];
  if (value.is_undefined() || value.is_string()) return value;
  bool pretty = Evaluator::truth(c[1]);
  if (!pretty || !(value.is_array() || value.is_object())) return Value::of(c.evaluator.text_of(value));
  std::string text;
  print_json(text, value, {.indent = true, .digits_15 = true, .size_max = c.evaluator.memory_max()});
  return Value::of(c.arena.copy(text));
}

Value length(const Call& c) {
  if (c[0].is_undefined()) return {};
  return Value::of(static_cast<double>(count_code_points(c[0].string())));
}

Value substring(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::string_view text = c[0].string();
  bool ascii = is_ascii(text);
  double size = static_cast<double>(ascii ? text.size() : count_code_points(text));
  double start = c[1].is_undefined() ? 0 : c[1].number;
  if (c[1].is_undefined() && !c[2].is_undefined()) return Value::of("");  // NaN in the reference
  if (size + start < 0) start = 0;
  double end = size;
  auto whole = [](double n) { return std::isnan(n) ? 0 : std::trunc(n); };
  if (!c[2].is_undefined()) {
    if (!(c[2].number > 0)) return Value::of("");
    end = start >= 0 ? start + c[2].number : size + start + c[2].number;
  }
  // Array.prototype.slice: truncated, negative from the end, clamped
  auto clamp = [&](double n) {
    n = whole(n);
    if (n < 0) n = std::max(0.0, size + n);
    return static_cast<std::size_t>(std::min(n, size));
  };
  std::size_t from = clamp(start), to = clamp(end);
  if (from >= to) return Value::of("");
  if (ascii) return Value::of(text.substr(from, to - from));
  std::size_t first = offset_of_code_point(text, from);
  std::size_t last = first + offset_of_code_point(text.substr(first), to - from);
  return Value::of(text.substr(first, last - first));
}

Value substring_before(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::size_t at = c[0].string().find(c[1].is_string() ? c[1].string() : "undefined");
  return at == std::string_view::npos ? c[0] : Value::of(c[0].string().substr(0, at));
}

Value substring_after(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::string_view part = c[1].is_string() ? c[1].string() : "undefined";
  std::size_t at = c[0].string().find(part);
  return at == std::string_view::npos ? c[0] : Value::of(c[0].string().substr(at + part.size()));
}

Value lowercase(const Call& c) {
  if (c[0].is_undefined()) return {};
  return Value::of(to_lower(c.arena, c[0].string()));
}

Value uppercase(const Call& c) {
  if (c[0].is_undefined()) return {};
  return Value::of(to_upper(c.arena, c[0].string()));
}

Value trim(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::string_view text = c[0].string();
  char* to = static_cast<char*>(c.arena.allocate(text.size()));
  char* out = to;
  bool gap = false;
  auto blank = [](char ch) { return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r'; };
  for (char ch : text) {
    if (blank(ch)) {
      gap = true;
      continue;
    }
    if (gap && out != to) *out++ = ' ';
    gap = false;
    *out++ = ch;
  }
  std::size_t size = static_cast<std::size_t>(out - to);
  c.arena.shrink_last(to, text.size(), size);
  return Value::of(std::string_view{to, size});
}

Value pad(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::string_view text = c[0].string();
  std::string_view filler = c[2].is_string() && c[2].length > 0 ? c[2].string() : " ";
  double width = c[1].is_undefined() ? 0 : c[1].number;
  double missing = std::floor(std::fabs(width)) - static_cast<double>(count_code_points(text));
  if (!(missing > 0)) return c[0];
  std::size_t unit = count_code_points(filler);
  double bytes = missing / static_cast<double>(unit) * static_cast<double>(filler.size());
  if (bytes + static_cast<double>(text.size()) > static_cast<double>(c.evaluator.memory_max()))
    throw Failure{.code = "U1002"};
  std::size_t need = static_cast<std::size_t>(missing);
  std::size_t tail = offset_of_code_point(filler, need % unit);
  std::size_t size = need / unit * filler.size() + tail + text.size();
  char* to = static_cast<char*>(c.arena.allocate(size));
  char* out = to;
  auto put = [&](std::string_view part) { out = std::copy(part.begin(), part.end(), out); };
  if (width > 0) put(text);
  for (std::size_t i = 0; i < need / unit; ++i) put(filler);
  put(filler.substr(0, tail));
  if (width <= 0) put(text);
  return Value::of(std::string_view{to, size});
}

Value join(const Call& c) {
  if (c[0].is_undefined()) return {};
  const Array& list = *c[0].array;
  std::string_view between = c[1].is_string() ? c[1].string() : "";
  std::size_t size = 0;
  for (Value item : list) size += item.length + between.size();
  if (list.size == 0) return Value::of("");
  size -= between.size();
  if (size > 0xffff'ffffu) throw Failure{.code = "U1002"};
  char* to = static_cast<char*>(c.arena.allocate(size));
  char* out = to;
  for (std::uint32_t i = 0; i < list.size; ++i) {
    if (i > 0) out = std::copy(between.begin(), between.end(), out);
    std::string_view part = list.items[i].string();
    out = std::copy(part.begin(), part.end(), out);
  }
  return Value::of(std::string_view{to, size});
}

const BuiltIn functions[] = {
    {"string", string, "<x-b?:s>", 1, {}, {}},
    {"length", length, "<s-:n>", 1, {}, {}},
    {"substring", substring, "<s-nn?:s>", 3, {}, {}},
    {"substringBefore", substring_before, "<s-s:s>", 2, {}, {}},
    {"substringAfter", substring_after, "<s-s:s>", 2, {}, {}},
    {"lowercase", lowercase, "<s-:s>", 1, {}, {}},
    {"uppercase", uppercase, "<s-:s>", 1, {}, {}},
    {"trim", trim, "<s-:s>", 1, {}, {}},
    {"pad", pad, "<s-ns?:s>", 3, {}, {}},
    {"join", join, "<a<s>s?:s>", 2, {}, {}},
};

}  // namespace

Family string_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
