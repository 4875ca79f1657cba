#include "app/container_record.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "core/id.hpp"

namespace millrace::app {
namespace json = boost::json;
namespace {

std::uint16_t port_in(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_int64() ? static_cast<std::uint16_t>(value->get_int64()) : std::uint16_t{0};
}

bool is_platform_id(std::string_view id) {
  return id.size() == 12 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<ContainerRecord> ContainerRecord::load(const std::string& path) {
  ContainerRecord record;
  std::ifstream file(path);
  if (!file) {
    record.platform = random_token(6);
    return record;
  }
  std::stringstream text;
  text << file.rdbuf();
  boost::system::error_code failed;
  const auto document = json::parse(text.str(), failed);
  const auto* id = failed || !document.is_object() ? nullptr : document.get_object().if_contains("platform");
  if (id == nullptr || !id->is_string() || !is_platform_id(std::string_view(id->get_string()))) {
    return Error{Error::Kind::damaged, path + " cannot be read (remove it; containers of earlier runs, labelled " +
                                           "millrace.platform, are then yours to remove)"};
  }
  record.platform = std::string(id->get_string());
  record.amqp_port = port_in(document.get_object(), "amqp_port");
  record.api_port = port_in(document.get_object(), "api_port");
  record.is_new = false;
  return record;
}

Status ContainerRecord::save(const std::string& path) const {
  const auto fresh = path + ".new";
  const json::object document{{"platform", platform}, {"amqp_port", amqp_port}, {"api_port", api_port}};
  std::ofstream file(fresh, std::ios::trunc);
  file << json::serialize(document) << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return Error{Error::Kind::io, path + " cannot be written"};
  }
  return Done{};
}

}  // namespace millrace::app
