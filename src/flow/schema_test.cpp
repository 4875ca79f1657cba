#include "flow/schema.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "flow/pretty_json.hpp"
#include "flow/test_catalogue.hpp"

namespace millrace::flow {
namespace {

const boost::json::value& at(const boost::json::value& schema, std::string_view pointer) {
  boost::system::error_code error;
  const auto* found = schema.find_pointer(pointer, error);
  REQUIRE_MESSAGE(found != nullptr, std::string(pointer));
  return *found;
}

}  // namespace

TEST_CASE("the schema knows every function and the fields of its config") {
  const auto schema = boost::json::parse(flow_schema(test_catalogue()));
  CHECK(at(schema, "/$defs/step/properties/trigger/anyOf/0/const") == "webhook.receive");
  CHECK(at(schema, "/$defs/step/allOf/6/then/properties/action/anyOf").as_array().size() == 3);
  CHECK(at(schema, "/$defs/step/allOf").as_array().size() == 7);
  CHECK(at(schema, "/$defs/step/allOf/4/if/properties/action/const") == "http.request");
  const auto& config = at(schema, "/$defs/step/allOf/4/then/properties/config");
  CHECK(boost::json::serialize(at(config, "/required")) == R"(["url"])");
  CHECK(boost::json::serialize(at(config, "/properties/method")) ==
        R"({"description":"A field.","anyOf":[{"enum":["GET","POST","PUT","DELETE"]},{"$ref":"#/$defs/variable"}],)"
        R"("default":"GET"})");
  CHECK(boost::json::serialize(at(config, "/properties/timeout")) ==
        R"({"description":"A field.","$ref":"#/$defs/duration","default":"30s"})");
  CHECK(at(config, "/additionalProperties") == false);
}

TEST_CASE("JSON for people breaks long lines only") {
  boost::json::value value = {{"a", {1, 2, "x"}}, {"b", boost::json::object{}}};
  CHECK(pretty_json(value) == "{ \"a\": [1, 2, \"x\"], \"b\": {} }\n");
  value.as_object()["long"] = std::string(100, 'y');
  CHECK(pretty_json(value) ==
        "{\n  \"a\": [1, 2, \"x\"],\n  \"b\": {},\n  \"long\": \"" + std::string(100, 'y') + "\"\n}\n");
}

}  // namespace millrace::flow
