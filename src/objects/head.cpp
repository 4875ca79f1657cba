#include "objects/head.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace millrace::objects {
namespace json = boost::json;

namespace {

json::object object_of(const Labels& labels) {
  json::object object;
  for (const auto& [name, value] : labels) object[name] = value;
  return object;
}

Labels labels_of(const json::object& all, std::string_view part) {
  Labels labels;
  const auto* object = all.if_contains(part);
  if (object == nullptr || !object->is_object()) return labels;
  for (const auto& [name, value] : object->get_object()) {
    if (value.is_string()) labels.emplace_back(name, value.get_string());
  }
  return labels;
}

}  // namespace

std::string Head::line() const {
  return json::serialize(json::object{{"content_type", content_type},
                                      {"created_at", created_at},
                                      {"query", object_of(query)},
                                      {"meta", object_of(meta)}}) +
         "\n";
}

Result<Head> Head::read(std::string_view line) {
  boost::system::error_code failed;
  const auto parsed = json::parse(line, failed);
  const auto* all = failed ? nullptr : parsed.if_object();
  const auto* type = all == nullptr ? nullptr : all->if_contains("content_type");
  const auto* created = all == nullptr ? nullptr : all->if_contains("created_at");
  if (type == nullptr || !type->is_string() || created == nullptr || !created->is_int64()) {
    return Error{Error::Kind::damaged, "an object's file does not begin with its head"};
  }
  return Head{std::string(type->get_string()), created->get_int64(), labels_of(*all, "query"), labels_of(*all, "meta")};
}

bool Head::matches(const Labels& wanted) const {
  return std::ranges::all_of(wanted, [&](const auto& label) { return std::ranges::find(query, label) != query.end(); });
}

}  // namespace millrace::objects
