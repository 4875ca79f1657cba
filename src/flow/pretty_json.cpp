#include "flow/pretty_json.hpp"

#include <boost/json/serialize.hpp>

namespace millrace::flow {
namespace {

constexpr std::size_t columns = 100;

void write(const boost::json::value& value, std::size_t indent, std::string& out);

std::string one_line(const boost::json::value& value) {
  std::string out;
  if (value.is_object()) {
    for (const auto& entry : value.get_object()) {
      out += out.empty() ? "{ " : ", ";
      out += boost::json::serialize(boost::json::value(entry.key())) + ": " + one_line(entry.value());
    }
    return out.empty() ? "{}" : out + " }";
  }
  if (value.is_array()) {
    for (const auto& item : value.get_array()) out += (out.empty() ? "[" : ", ") + one_line(item);
    return out.empty() ? "[]" : out + "]";
  }
  return boost::json::serialize(value);
}

void write_lines(const boost::json::value& value, std::size_t indent, std::string& out) {
  const std::string margin(indent + 2, ' ');
  std::string separator = value.is_object() ? "{\n" : "[\n";
  const auto begin = [&] {
    out += separator + margin;
    separator = ",\n";
  };
  if (value.is_object()) {
    for (const auto& entry : value.get_object()) {
      begin();
      out += boost::json::serialize(boost::json::value(entry.key())) + ": ";
      write(entry.value(), indent + 2, out);
    }
  } else {
    for (const auto& item : value.get_array()) {
      begin();
      write(item, indent + 2, out);
    }
  }
  out += '\n' + std::string(indent, ' ') + (value.is_object() ? '}' : ']');
}

void write(const boost::json::value& value, std::size_t indent, std::string& out) {
  const std::string line = one_line(value);
  if (line.size() + indent <= columns || value.is_primitive()) {
    out += line;
  } else {
    write_lines(value, indent, out);
  }
}

}  // namespace

std::string pretty_json(const boost::json::value& value) {
  std::string out;
  write(value, 0, out);
  return out + '\n';
}

}  // namespace millrace::flow
