#include "app/component_command.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "component/descriptor_json.hpp"
#include "core/nearest.hpp"
#include "flow/pretty_json.hpp"

namespace millrace::app {
namespace {

using component::Descriptor;
using component::descriptor_json;
using component::Field;
using component::kind_name;
using component::type_name;

/// Breaks text between words so that no line is longer than 100 columns, if its words allow it.
std::string wrapped(std::string_view text, std::size_t indent) {
  constexpr std::size_t columns = 100;
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(' '), text.size());
    const bool first = column == 0;
    if (!first && column + 1 + size > columns) column = 0;
    if (column == 0) {
      out += (first ? "" : "\n") + std::string(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += text.substr(0, size);
    column += size;
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return out + '\n';
}

void print_fields(const std::vector<Field>& fields, std::size_t indent, std::ostream& out) {
  for (const Field& field : fields) {
    std::string line = fmt::format("{}{}  {}", std::string(indent, ' '), field.name, type_name(field.type));
    if (!field.choices.empty()) line += fmt::format(" of {}", fmt::join(field.choices, " | "));
    if (field.minimum) line += fmt::format(", at least {}", *field.minimum);
    if (field.maximum) line += fmt::format(", at most {}", *field.maximum);
    if (field.required) line += ", required";
    if (!field.default_json.empty()) line += fmt::format(", default {}", field.default_json);
    out << line << '\n' << wrapped(field.summary, indent + 4);
    print_fields(field.fields, indent + 4, out);
  }
}

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += "    " + std::string(text.substr(0, end)) + '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void print(const Descriptor& descriptor, std::ostream& out) {
  out << fmt::format("{} ({}): {}\n\n", descriptor.full_name(), kind_name(descriptor.kind), descriptor.title)
      << wrapped(descriptor.summary, 0);
  if (!descriptor.fields.empty()) out << "\nFields of config:\n";
  print_fields(descriptor.fields, 2, out);
  if (!descriptor.emits.empty()) out << "\nEmits:\n" << wrapped(descriptor.emits, 2);
  for (const component::Example& example : descriptor.examples) {
    out << "\nExample: " << example.title << '\n' << indented(example.flow_yaml);
  }
}

}  // namespace

int list_components(const component::Catalogue& catalogue, std::ostream& out) {
  std::size_t width = 0;
  for (const auto& function : catalogue.all()) width = std::max(width, function.descriptor.full_name().size());
  for (const auto& function : catalogue.all()) {
    const Descriptor& descriptor = function.descriptor;
    out << fmt::format("{:{}}  {:15}  {}\n", descriptor.full_name(), width, kind_name(descriptor.kind),
                       descriptor.title);
  }
  return ExitCode::ok;
}

int show_component(const std::string& name, bool json, const component::Catalogue& catalogue, std::ostream& out,
                   std::ostream& err) {
  std::vector<const Descriptor*> shown;
  std::vector<std::string> names;
  for (const auto& function : catalogue.all()) {
    const Descriptor& descriptor = function.descriptor;
    names.push_back(descriptor.full_name());
    if (descriptor.full_name() == name || descriptor.component == name) shown.push_back(&descriptor);
  }
  if (shown.empty()) {
    err << fmt::format("there is no component or function \"{}\" ({})\n", name, suggestion(name, names));
    return ExitCode::failed;
  }
  if (json) {
    boost::json::array all;
    for (const Descriptor* descriptor : shown) all.push_back(descriptor_json(*descriptor));
    const bool one = shown.front()->full_name() == name;
    out << flow::pretty_json(one ? all.front() : boost::json::value(all));
    return ExitCode::ok;
  }
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (i > 0) out << "\n\n";
    print(*shown[i], out);
  }
  return ExitCode::ok;
}

}  // namespace millrace::app
