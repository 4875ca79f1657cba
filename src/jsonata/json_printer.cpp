#include "jsonata/json_printer.hpp"

#include <cmath>

#include "jsonata/failure.hpp"
#include "jsonata/number.hpp"
#include "jsonata/stack_guard.hpp"

namespace millrace::jsonata {
namespace {

constexpr char hex[] = "0123456789abcdef";

void print_indent(std::string& to, std::size_t level) {
  to += '\n';
  to.append(level * 2, ' ');
}

void print(std::string& to, Value value, const PrintOptions& options, std::size_t level);

void append_number(std::string& to, double number, const PrintOptions& options) {
  if (options.digits_15) {
    if (std::isinf(number)) throw Failure{.code = "D1001", .value = Value::of(number)};
    number = to_15_digits(number);
  }
  char text[number_text_max];
  to.append(text, print_number(number, text));
}

void print_array(std::string& to, const Array& array, const PrintOptions& options, std::size_t level) {
  guard_stack();
  to += '[';
  for (std::uint32_t i = 0; i < array.size; ++i) {
    if (i > 0) to += ',';
    if (options.indent) print_indent(to, level + 1);
    print(to, array.items[i], options, level + 1);
  }
  if (options.indent && array.size > 0) print_indent(to, level);
  to += ']';
}

void print_object(std::string& to, const Object& object, const PrintOptions& options, std::size_t level) {
  guard_stack();
  to += '{';
  bool first = true;
  for (const Member& member : object) {
    if (member.value.is_undefined() || (member.value.is_function() && !options.digits_15)) continue;
    if (!first) to += ',';
    first = false;
    if (options.indent) print_indent(to, level + 1);
    print_json_string(to, member.key.view());
    to += options.indent ? ": " : ":";
    print(to, member.value, options, level + 1);
  }
  if (options.indent && !first) print_indent(to, level);
  to += '}';
}

void print(std::string& to, Value value, const PrintOptions& options, std::size_t level) {
  if (to.size() > options.size_max) throw Failure{.code = "U1002"};
  switch (value.type) {
    case Type::boolean:
      to += value.boolean ? "true" : "false";
      break;
    case Type::number:
      append_number(to, value.number, options);
      break;
    case Type::string:
      print_json_string(to, value.string());
      break;
    case Type::array:
      print_array(to, *value.array, options, level);
      break;
    case Type::object:
      print_object(to, *value.object, options, level);
      break;
    case Type::function:
      to += options.digits_15 ? "\"\"" : "null";
      break;
    default:
      to += "null";
  }
}

}  // namespace

void print_json(std::string& to, Value value, const PrintOptions& options) {
  print(to, value, options, 0);
}

void print_json_string(std::string& to, std::string_view text) {
  to += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0xed) continue;
    if (c == 0xed) {  // U+D000..U+DFFF: only surrogates need an escape
      if (i + 2 >= text.size() || static_cast<unsigned char>(text[i + 1]) < 0xa0) continue;
    }
    to.append(text, plain, i - plain);
    switch (c) {
      case '"':
        to += "\\\"";
        break;
      case '\\':
        to += "\\\\";
        break;
      case '\b':
        to += "\\b";
        break;
      case '\f':
        to += "\\f";
        break;
      case '\n':
        to += "\\n";
        break;
      case '\r':
        to += "\\r";
        break;
      case '\t':
        to += "\\t";
        break;
      case 0xed: {
        unsigned code = 0xd000u | (static_cast<unsigned char>(text[i + 1]) & 0x3fu) << 6 |
                        (static_cast<unsigned char>(text[i + 2]) & 0x3fu);
        to += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) to += hex[code >> shift & 15];
        i += 2;
        break;
      }
      default:
        to += "\\u00";
        to += hex[c >> 4];
        to += hex[c & 15];
    }
    plain = i + 1;
  }
  to.append(text, plain, text.size() - plain);
  to += '"';
}

}  // namespace millrace::jsonata
