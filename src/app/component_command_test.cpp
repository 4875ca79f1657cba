#include "app/component_command.hpp"

#include <sstream>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "components/catalogue.hpp"
#include "flow/load.hpp"

namespace millrace::app {
namespace {

/// Every variable that an example uses is set.
std::optional<std::string> any_variable(std::string_view name) {
  return name == "WEBHOOK_SECRET" ? "whsec_c2VjcmV0" : "https://example.com";
}

std::string in_a_flow(const component::Descriptor& descriptor, std::string_view step) {
  std::string flow = "name: example\nsteps:\n";
  if (!descriptor.is_trigger()) flow += "- { id: before, trigger: timer.tick, config: { every: 1m } }\n";
  flow += step;
  if (descriptor.is_trigger()) flow += "\n- { id: last, action: message.log, after: ID }\n";
  return flow;
}

}  // namespace

TEST_CASE("every function is listed, shown and has a summary for itself and each field") {
  const auto catalogue = components::make_catalogue();
  std::ostringstream list;
  CHECK(list_components(catalogue, list) == 0);
  for (const auto& function : catalogue.all()) {
    const component::Descriptor& descriptor = function.descriptor;
    CAPTURE(descriptor.full_name());
    CHECK(list.str().find(descriptor.full_name()) != std::string::npos);
    CHECK(!descriptor.summary.empty());
    CHECK(!descriptor.examples.empty());
    std::ostringstream text, err;
    CHECK(show_component(descriptor.full_name(), false, catalogue, text, err) == 0);
    for (const component::Field& field : descriptor.fields) {
      CAPTURE(field.name);
      CHECK(!field.summary.empty());
      CHECK(text.str().find("  " + field.name + "  ") != std::string::npos);
    }
    std::ostringstream json;
    CHECK(show_component(descriptor.full_name(), true, catalogue, json, err) == 0);
    CHECK(boost::json::parse(json.str()).at("name").as_string() == descriptor.full_name());
  }
}

TEST_CASE("every example in a descriptor is valid as it stands") {
  const auto catalogue = components::make_catalogue();
  for (const auto& function : catalogue.all()) {
    for (const component::Example& example : function.descriptor.examples) {
      std::string text = in_a_flow(function.descriptor, example.flow_yaml);
      const auto take = [&](std::string_view key) {
        const std::size_t begin = example.flow_yaml.find(key) + key.size();
        return example.flow_yaml.substr(begin, example.flow_yaml.find('\n', begin) - begin);
      };
      if (function.descriptor.is_trigger()) {
        text.replace(text.rfind("ID"), 2, take("- id: "));
      } else {
        text.replace(text.find("id: before"), 10, "id: " + take("after: "));
      }
      const auto flows = flow::load_text(text, "example", catalogue, any_variable);
      std::string problems;
      if (!flows) {
        for (const auto& problem : flows.error()) problems += problem.to_string() + "\n";
      }
      CHECK_MESSAGE(problems.empty(), problems, text);
    }
  }
}

TEST_CASE("an unknown component is told with the nearest name") {
  std::ostringstream out, err;
  CHECK(show_component("http.requst", false, components::make_catalogue(), out, err) == 1);
  CHECK(out.str().empty());
  CHECK(err.str() == "there is no component or function \"http.requst\" (did you mean \"http.request\"?)\n");
}

}  // namespace millrace::app
