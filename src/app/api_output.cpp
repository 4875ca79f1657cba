#include "app/api_output.hpp"

#include <algorithm>
#include <cstdio>

#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "app/exit_code.hpp"

namespace millrace::app {

std::string cell(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string(value->get_string()) : boost::json::serialize(*value);
}

std::string time_cell(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return "-";
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(value->get_int64() / 1000)));
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

int with_api(const Server& server, const std::function<Status(ApiClient&)>& work) {
  const auto client = ApiClient::make(server);
  const auto done = client ? work(**client) : Status(client.error());
  if (done) return ExitCode::ok;
  fmt::print(stderr, "millrace: {}\n", done.error().message);
  return done.error().kind == Error::Kind::invalid ? ExitCode::usage : ExitCode::failed;
}

}  // namespace millrace::app
