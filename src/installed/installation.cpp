#include "installed/installation.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include "installed/json_file.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;

constexpr std::string_view record_name = ".millrace.json";

std::string text_of(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

Result<Record> read_record(const std::string& folder) {
  const auto parsed = read_json_file(fmt::format("{}/{}", folder, record_name), record_name);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return Error{Error::Kind::damaged, fmt::format("{} is no object", record_name)};
  const auto& from = parsed->get_object();
  Record record;
  record.source = text_of(from, "source");
  record.version = text_of(from, "version");
  record.image = text_of(from, "image");
  record.image_folder = text_of(from, "image_folder");
  if (const auto* at = from.if_contains("installed_at"); at != nullptr && at->is_int64())
    record.installed_at = at->get_int64();
  if (const auto* variables = from.if_contains("environment"); variables != nullptr && variables->is_object()) {
    for (const auto& [name, value] : variables->get_object()) {
      if (value.is_string()) record.environment.emplace_back(name, value.get_string());
    }
  }
  return record;
}

}  // namespace

std::vector<std::string> Installation::notes() const {
  auto all = file.notes;
  for (const auto& variable : file.variables) {
    const auto is_it = [&](const auto& set) { return set.first == variable.name; };
    if (!variable.required || std::any_of(record.environment.begin(), record.environment.end(), is_it)) continue;
    all.push_back(fmt::format("it needs the variable {}{}{} (give --env {}=…)", variable.name,
                              variable.description.empty() ? "" : ": ", variable.description, variable.name));
  }
  return all;
}

Result<Installation> read_installation(const std::string& name, const std::string& folder) {
  auto record = read_record(folder);
  if (!record) return record.error().in(folder);
  auto file = read_component_file(folder, record->image.empty() ? Files::all : Files::schemas_only);
  if (!file) return file.error();
  return Installation{name, folder, std::move(*record), std::move(*file)};
}

Status write_record(const std::string& folder, const Record& record) {
  json::object environment;
  for (const auto& [name, value] : record.environment) environment[name] = value;
  const auto path = fmt::format("{}/{}", folder, record_name);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  ::chmod(path.c_str(), 0600);  // its variables may be secrets
  file << json::serialize(json::object{{"source", record.source},
                                       {"version", record.version},
                                       {"image", record.image},
                                       {"image_folder", record.image_folder},
                                       {"installed_at", record.installed_at},
                                       {"environment", std::move(environment)}})
       << '\n';
  file.close();
  if (file) return Done{};
  return Error{Error::Kind::io, fmt::format("{} cannot be written: {}", path, std::strerror(errno))};
}

}  // namespace millrace::installed
