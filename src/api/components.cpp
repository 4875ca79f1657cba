#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "component/descriptor_json.hpp"
#include "credentials/component_definition.hpp"
#include "flow/schema.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;

/// What is known of where it comes from; null for one of Millrace itself.
json::value origin(const installed::Installation* installation) {
  if (installation == nullptr) return nullptr;
  const auto& record = installation->record;
  json::object object{
      {"source", record.source}, {"installed_at", record.installed_at}, {"version", nullptr}, {"image", nullptr}};
  if (!record.version.empty()) object["version"] = record.version;
  if (!record.image.empty()) object["image"] = record.image;
  return object;
}

void list(const Services& services, const Call& call) {
  json::array items;
  for (const auto& function : services.catalogue.all()) {
    const auto& descriptor = function.descriptor;
    if (items.empty() || items.back().at("name").as_string() != descriptor.component) {
      items.push_back(json::object{{"name", descriptor.component},
                                   {"functions", json::array()},
                                   {"installed", origin(services.installed.find(descriptor.component))}});
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

void show(const Services& services, const Call& call) {
  const auto& name = call.path[0];
  json::array functions;
  for (const auto& function : services.catalogue.all()) {
    if (function.descriptor.component == name) functions.push_back(component::descriptor_json(function.descriptor));
  }
  if (functions.empty()) return call.respond(problem(404, "Not found", fmt::format("there is no component {}", name)));
  const auto* installation = services.installed.find(name);
  json::object body{{"name", name},
                    {"functions", std::move(functions)},
                    {"installed", origin(installation)},
                    {"definition", nullptr},
                    {"credential", nullptr},
                    {"notes", json::array()}};
  if (const auto* asking = credentials::asking_for_credentials(services.catalogue, name); asking != nullptr) {
    body["credential"] = component::credential_form_json(*asking->credential_form);
  }
  if (installation != nullptr) {
    const auto notes = installation->notes();
    body["definition"] = installation->file.document;
    body["notes"] = json::array(notes.begin(), notes.end());
  }
  call.respond(json_response(200, body));
}

}  // namespace

void add_component_operations(Operations& operations, const Services& services) {
  const auto& catalogue = services.catalogue;
  operations.push_back({"GET",
                        "/v1/components",
                        Scope::flows_read,
                        [services](const Call& call) { list(services, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"GET",
                        "/v1/components/{component}",
                        Scope::flows_read,
                        [services](const Call& call) { show(services, call); },
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
