#include "amqp/wire.hpp"

#include <algorithm>

namespace millrace::amqp {

namespace {

FieldTable read_table(Reader& in, int depth);
FieldValue read_value(Reader& in, int depth);

FieldArray read_array(Reader& in, int depth) {
  FieldArray array;
  Reader items(in.long_string());
  while (in.ok() && items.ok() && !items.at_end()) array.push_back(read_value(items, depth + 1));
  if (!items.ok()) in.fail();
  return array;
}

FieldValue read_value(Reader& in, int depth) {
  if (depth > field_depth_max) return in.fail(), FieldValue{};
  switch (in.number<char>()) {
    case 't':
      return in.number<std::uint8_t>() != 0;
    case 'b':
      return in.number<std::int8_t>();
    case 'B':
      return in.number<std::uint8_t>();
    case 's':
      return in.number<std::int16_t>();
    case 'u':
      return in.number<std::uint16_t>();
    case 'I':
      return in.number<std::int32_t>();
    case 'i':
      return in.number<std::uint32_t>();
    case 'l':
    case 'L':
      return in.number<std::int64_t>();
    case 'f':
      return std::bit_cast<float>(in.number<std::uint32_t>());
    case 'd':
      return std::bit_cast<double>(in.number<std::uint64_t>());
    case 'D': {
      Decimal decimal;
      decimal.scale = in.number<std::uint8_t>();
      decimal.value = in.number<std::int32_t>();
      return decimal;
    }
    case 'S':
      return in.long_string();
    case 'x':
      return ByteArray{std::string(in.long_string())};
    case 'T':
      return Timestamp{in.number<std::uint64_t>()};
    case 'F':
      return read_table(in, depth);
    case 'A':
      return read_array(in, depth);
    case 'V':
      return {};
    default:
      in.fail();
      return {};
  }
}

FieldTable read_table(Reader& in, int depth) {
  FieldTable table;
  Reader entries(in.long_string());
  while (in.ok() && entries.ok() && !entries.at_end()) {
    std::string_view name = entries.short_string();
    table.append(std::string(name), read_value(entries, depth + 1));
  }
  if (!entries.ok()) in.fail();
  return table;
}

void skip_fields(Reader& in, bool named, int depth);

void skip_value(Reader& in, int depth) {
  if (depth > field_depth_max) return in.fail();
  switch (in.number<char>()) {
    case 't':
    case 'b':
    case 'B':
      in.bytes(1);
      break;
    case 's':
    case 'u':
      in.bytes(2);
      break;
    case 'I':
    case 'i':
    case 'f':
      in.bytes(4);
      break;
    case 'D':
      in.bytes(5);
      break;
    case 'l':
    case 'L':
    case 'd':
    case 'T':
      in.bytes(8);
      break;
    case 'S':
    case 'x':
      in.long_string();
      break;
    case 'F':
      skip_fields(in, true, depth);
      break;
    case 'A':
      skip_fields(in, false, depth);
      break;
    case 'V':
      break;
    default:
      in.fail();
  }
}

void skip_fields(Reader& in, bool named, int depth) {
  Reader fields(in.long_string());
  while (in.ok() && fields.ok() && !fields.at_end()) {
    if (named) fields.short_string();
    skip_value(fields, depth + 1);
  }
  if (!fields.ok()) in.fail();
}

/// Appends a 32-bit length and, once `body` has written, sets it to what was written.
template <class Body>
void write_sized(std::string& out, Body body) {
  std::size_t at = out.size();
  out.append(4, '\0');
  body();
  std::string size;
  write_number(size, static_cast<std::uint32_t>(out.size() - at - 4));
  out.replace(at, 4, size);
}

void write_value(std::string& out, const FieldValue& field);

struct ValueWriter {
  std::string& out;

  void operator()(std::monostate) const { out += 'V'; }
  void operator()(bool v) const { out.append({'t', v ? '\1' : '\0'}); }
  void operator()(std::int8_t v) const { number('b', v); }
  void operator()(std::uint8_t v) const { number('B', v); }
  void operator()(std::int16_t v) const { number('s', v); }
  void operator()(std::uint16_t v) const { number('u', v); }
  void operator()(std::int32_t v) const { number('I', v); }
  void operator()(std::uint32_t v) const { number('i', v); }
  void operator()(std::int64_t v) const { number('l', v); }
  void operator()(float v) const { number('f', std::bit_cast<std::uint32_t>(v)); }
  void operator()(double v) const { number('d', std::bit_cast<std::uint64_t>(v)); }
  void operator()(const Decimal& v) const {
    number('D', v.scale);
    write_number(out, v.value);
  }
  void operator()(const std::string& v) const {
    out += 'S';
    write_long_string(out, v);
  }
  void operator()(const ByteArray& v) const {
    out += 'x';
    write_long_string(out, v.bytes);
  }
  void operator()(const Timestamp& v) const { number('T', v.seconds); }
  void operator()(const FieldTable& v) const {
    out += 'F';
    write_table(out, v);
  }
  void operator()(const FieldArray& v) const {
    out += 'A';
    write_sized(out, [&] {
      for (const FieldValue& item : v) write_value(out, item);
    });
  }

 private:
  template <class T>
  void number(char letter, T v) const {
    out += letter;
    write_number(out, v);
  }
};

void write_value(std::string& out, const FieldValue& field) {
  std::visit(ValueWriter{out}, field.value);
}

}  // namespace

FieldTable Reader::table() {
  return read_table(*this, 0);
}

void Reader::skip_table() {
  skip_fields(*this, true, 0);
}

void write_short_string(std::string& out, std::string_view text) {
  text = text.substr(0, 255);
  out += static_cast<char>(text.size());
  out += text;
}

void write_long_string(std::string& out, std::string_view text) {
  write_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

void write_table(std::string& out, const FieldTable& table) {
  write_sized(out, [&] {
    for (const auto& [name, field] : table.entries()) {
      write_short_string(out, name);
      write_value(out, field);
    }
  });
}

}  // namespace millrace::amqp
