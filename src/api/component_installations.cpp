#include <fmt/format.h>

#include "api/installations.hpp"
#include "api/responses.hpp"
#include "api/services.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;

Error bad(std::string_view field, std::string_view wanted) {
  return {Error::Kind::invalid, fmt::format("\"{}\" must be {}", field, wanted)};
}

Result<bool> flag(std::string_view name, const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  return bad(name, "true or false");
}

Status read_environment(const json::value& value, installed::Order& order) {
  const auto wrong = bad("environment", "an object of texts");
  if (!value.is_object()) return wrong;
  for (const auto& [name, text] : value.get_object()) {
    if (!text.is_string() || name.empty() || name.find('=') != std::string_view::npos) return wrong;
    order.environment.emplace_back(name, text.get_string());
  }
  return Done{};
}

Status read_member(std::string_view name, const json::value& value, installed::Order& order) {
  if (name == "source") {
    if (!value.is_string()) return bad(name, "a text: a path, npm:NAME[@VERSION] or image:REF");
    auto source = installed::Source::parse(std::string_view(value.get_string()));
    if (!source) return source.error();
    order.source = std::move(*source);
    return Done{};
  }
  if (name == "name") {
    if (!value.is_string()) return bad(name, "a text");
    order.name = std::string(value.get_string());
    return Done{};
  }
  if (name == "environment") return read_environment(value, order);
  if (name != "replace" && name != "scripts") {
    return bad(name, "left out: source, name, replace, scripts and environment are known");
  }
  const auto set = flag(name, value);
  if (!set) return set.error();
  (name == "replace" ? order.replace : order.scripts) = *set;
  return Done{};
}

Result<installed::Order> read(const json::object& body) {
  installed::Order order;
  for (const auto& [name, value] : body) {
    if (auto done = read_member(name, value, order); !done) return done.error();
  }
  if (order.source.what.empty()) return bad("source", "given: a path, npm:NAME[@VERSION] or image:REF");
  return order;
}

void add(const Services& services, const Call& call) {
  auto order = read(call.body);
  if (!order) return call.respond(problem(order.error()));
  const auto id = services.installations.begin(std::move(*order), services.change(call.caller));
  auto response = json_response(202, *services.installations.find(id));
  response.headers.emplace_back("Location", "/v1/component-installations/" + id);
  call.respond(std::move(response));
}

void show(const Services& services, const Call& call) {
  const auto found = services.installations.find(call.path[0]);
  if (!found) return call.respond(problem(404, "Not found", fmt::format("there is no installation {}", call.path[0])));
  call.respond(json_response(200, *found));
}

void remove(const Services& services, const Call& call) {
  services.installations.remove(call.path[0], services.change(call.caller),
                                [respond = call.respond](const Status& gone) {
                                  respond(gone ? io::posix::HttpResponse{204, "", "", {}} : problem(gone.error()));
                                });
}

}  // namespace

/// Whoever may install a component may run any program here: that is for admins.
void add_installation_operations(Operations& operations, const Services& services) {
  operations.push_back({"POST", "/v1/components", Scope::admin, [services](const Call& call) { add(services, call); },
                        Operation::Body::json});
  operations.push_back({"GET",
                        "/v1/component-installations/{installation}",
                        Scope::admin,
                        [services](const Call& call) { show(services, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"DELETE",
                        "/v1/components/{component}",
                        Scope::admin,
                        [services](const Call& call) { remove(services, call); },
                        Operation::Body::none,
                        {},
                        0});
}

}  // namespace millrace::api
