#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "component/descriptor_json.hpp"
#include "flow/schema.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;

void list(const component::Catalogue& catalogue, const Call& call) {
  json::array items;
  for (const auto& function : catalogue.all()) {
    const auto& descriptor = function.descriptor;
    if (items.empty() || items.back().at("name").as_string() != descriptor.component) {
      items.push_back(json::object{{"name", descriptor.component}, {"functions", json::array()}});
    }
    items.back()
        .at("functions")
        .as_array()
        .push_back(json::object{{"name", descriptor.full_name()},
                                {"kind", component::kind_name(descriptor.kind)},
                                {"title", descriptor.title}});
  }
  call.respond(page(std::move(items), ""));
}

void show(const component::Catalogue& catalogue, const Call& call) {
  json::array functions;
  for (const auto& function : catalogue.all()) {
    if (function.descriptor.component == call.path[0]) {
      functions.push_back(component::descriptor_json(function.descriptor));
    }
  }
  if (functions.empty()) {
    return call.respond(problem(404, "Not found", fmt::format("there is no component {}", call.path[0])));
  }
  call.respond(json_response(200, json::object{{"name", call.path[0]}, {"functions", std::move(functions)}}));
}

}  // namespace

void add_component_operations(Operations& operations, const Services& services) {
  const auto& catalogue = services.catalogue;
  operations.push_back({"GET",
                        "/v1/components",
                        Scope::flows_read,
                        [&catalogue](const Call& call) { list(catalogue, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"GET",
                        "/v1/components/{component}",
                        Scope::flows_read,
                        [&catalogue](const Call& call) { show(catalogue, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"GET",
                        "/v1/flow-schema",
                        Scope::flows_read,
                        [&catalogue](const Call& call) {
                          call.respond({200, "application/schema+json", flow::flow_schema(catalogue), {}});
                        },
                        Operation::Body::none,
                        {},
                        0});
}

}  // namespace millrace::api
