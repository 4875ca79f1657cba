#include "imports/elasticio.hpp"

#include <doctest/doctest.h>

#include "components/catalogue.hpp"
#include "flow/load.hpp"
#include "imports/elasticio_expression.hpp"

namespace millrace::imports {
namespace {

/// In the form of the published documentation of POST /v2/flows.
constexpr std::string_view orders = R"({
  "data": {
    "id": "5b3f0e", "type": "flow",
    "attributes": {
      "name": "Orders to CRM!", "type": "ordinary", "cron": "*/3 * * * *", "default_mapper_type": "jsonata",
      "graph": {
        "nodes": [
          { "id": "step_1", "command": "elasticio/timer:timer@latest", "name": "Clock", "fields": { "interval": "minute" } },
          { "id": "step_2", "command": "acme/shop-component:getOrder@1.0.0", "fields": { "shop": "${x}", "limit": 5 },
            "credentials_id": "5d0a" },
          { "id": "step_3", "command": "elasticio/router:route" },
          { "id": "Step 4", "command": "elasticio/email:send", "fields": {} },
          { "id": "step_5", "command": "acme/shop-component:ignore" }
        ],
        "edges": [
          { "source": "step_1", "target": "step_2", "config": { "mapper_type": "jsonata",
            "mapper": { "id": "fireTime", "deep": { "one": "1" }, "bad": "a +" } } },
          { "source": "step_2", "target": "step_3" },
          { "source": "step_3", "target": "Step 4", "config": { "condition": "total > 100",
            "mapper": { "to": "\"a@example.com\"", "text": "elasticio.step_2.body.name & \"elasticio.step_2\"" } } },
          { "source": "step_3", "target": "step_5" }
        ]
      },
      "nodes_config": { "step_2": { "replicas": 2, "prefetch": 5 } }
    }
  }
})";

Imported import(std::string_view text) {
  auto imported = import_elasticio(text, "flow.json", components::make_catalogue());
  REQUIRE(imported);
  return std::move(*imported);
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a flow of elastic.io becomes a flow file with its mappings, conditions and schedule") {
  const auto imported = import(orders);
  CAPTURE(imported.text);
  for (const auto* part :
       {"name: orders-to-crm\n", "  - id: step_1\n    trigger: timer.tick\n", "cron: \"*/3 * * * *\"",
        "action: shop.getOrder\n", "\"shop\": \"$${x}\"", "\"limit\": 5", "after: step_1\n", "\"id\": fireTime",
        "\"one\": 1", "instances: 2\n", "  - id: step-4\n", "action: email.send", "when: body.(total > 100)",
        "(\"a@example.com\")", "($$.passthrough.step_2.body.name & \"elasticio.step_2\")",
        "when: $not($boolean(body.(total > 100)))"}) {
    CAPTURE(part);
    CHECK(holds(imported.text, part));
  }
}

TEST_CASE("what cannot be carried over is told, and stands in the file") {
  const auto imported = import(orders);
  std::string notes;
  for (const auto& note : imported.notes) {
    notes += note + "\n";
    CHECK(holds(imported.text, note.substr(note.find(": ") + 2)));
  }
  CAPTURE(notes);
  for (const auto* part :
       {"step_2: its credential 5d0a", "\"a +\" is no JSONata", "shop.getOrder is not installed", "prefetch: 5"}) {
    CHECK(holds(notes, part));
  }
}

TEST_CASE("what is imported is a flow that the reader of flow files takes, where its components are known") {
  const auto imported = import(R"({ "name": "Form", "graph": {
    "nodes": [ { "id": "in", "command": "elasticio/webhook:receive" },
               { "id": "out", "command": "elasticio/message:log" } ],
    "edges": [ { "source": "in", "target": "out", "config": { "mapper": { "label": "$getPassthrough().in.body.x" } } } ] } })");
  CAPTURE(imported.text);
  const auto flows = flow::load_text(imported.text, "f.yaml", components::make_catalogue(),
                                     [](std::string_view) { return std::nullopt; });
  REQUIRE(flows);
  CHECK(flows->front().passthrough);
  CHECK(flows->front().find("out")->input->source == "body.{\n  \"label\": $$.passthrough.in.body.x\n}\n");
}

TEST_CASE("expressions find what earlier steps emitted under their new names, and text stays text") {
  const Renamed steps{{"step_1", "step-1"}, {"a", "a"}};
  CHECK(carried_over("elasticio.step_1.body.x", steps) == "$$.passthrough.`step-1`.body.x");
  CHECK(carried_over("elasticio.`step_1`.body", steps) == "$$.passthrough.`step-1`.body");
  CHECK(carried_over("$getPassthrough().a.body", steps) == "$$.passthrough.a.body");
  CHECK(carried_over("$$.name", steps) == "$$.body.name");
  CHECK(carried_over("x.elasticio.step_1", steps) == "x.elasticio.step_1");
  CHECK(carried_over("'elasticio.step_1' & \"\\\"elasticio.a\" /* elasticio.a */", steps) ==
        "'elasticio.step_1' & \"\\\"elasticio.a\" /* elasticio.a */");
}

TEST_CASE("what is no flow is told with its place") {
  const auto catalogue = components::make_catalogue();
  const auto error = [&](std::string_view text) { return import_elasticio(text, "f.json", catalogue).error().message; };
  CHECK(holds(error("{\n  x"), "f.json:2:3: is not JSON"));
  CHECK(holds(error("[]"), "must be an object"));
  CHECK(holds(error(R"({"data": {"attributes": {}}})"), "data.attributes.graph: missing"));
  CHECK(holds(error(R"({"graph": {"nodes": []}})"), "graph.nodes"));
  CHECK(holds(error(R"({"graph": {"nodes": [{"id": "a"}, {"id": "b"}], "edges": [{"source": "a", "target": "c"}]}})"),
              "graph.edges[0].target: there is no step \"c\""));
  CHECK(holds(error(R"({"graph": {"nodes": [{"id": "a"}, {"id": "a"}]}})"), "graph.nodes[1].id"));
}

}  // namespace millrace::imports
