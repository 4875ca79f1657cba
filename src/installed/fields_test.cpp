#include "installed/fields.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

namespace millrace::installed {
namespace {

using Type = component::Field::Type;

component::Field field(std::string_view json) {
  const auto fields = fields_of({{"it", boost::json::parse(json)}}, "shop.order");
  REQUIRE(fields.size() == 1);
  return fields.front();
}

}  // namespace

TEST_CASE("each view class has the type that its values have") {
  for (const auto& [view, type] :
       {std::pair{"TextFieldView", Type::text}, std::pair{"TextFieldWithNoteView", Type::text},
        std::pair{"TextAreaView", Type::text}, std::pair{"CodeFieldView", Type::text},
        std::pair{"CheckBoxView", Type::boolean}, std::pair{"PasswordFieldView", Type::secret},
        std::pair{"OAuthFieldView", Type::object}, std::pair{"JSONataView", Type::expression},
        std::pair{"HTTPAuthView", Type::any}, std::pair{"", Type::any}}) {
    CAPTURE(view);
    CHECK(field(std::string(R"({"viewClass": ")") + view + "\"}").type == type);
  }
}

TEST_CASE("what may be chosen are the keys of the model, and what they mean is in the summary") {
  const auto it =
      field(R"({"viewClass": "SelectView", "label": "Status", "model": {"a": "Available", "SOLD": "Sold"}})");
  CHECK(it.type == Type::choice);
  CHECK(it.choices == std::vector<std::string>{"a", "SOLD"});
  CHECK(it.summary == "Status. a is Available.");
  const auto many = field(R"({"viewClass": "MultiSelectView", "model": ["x", "y"]})");
  CHECK(many.type == Type::list);
  CHECK(many.choices == std::vector<std::string>{"x", "y"});
}

TEST_CASE("what may be chosen and has to be asked for is text") {
  const auto it = field(R"({"viewClass": "SelectView", "label": "Pipe", "model": "pipes"})");
  CHECK(it.type == Type::text);
  CHECK(it.summary.find("millrace component select shop.order it") != std::string::npos);
}

TEST_CASE("code and JSONata are the component's to read") {
  CHECK(field(R"({"viewClass": "CodeFieldView"})").verbatim);
  CHECK(field(R"({"viewClass": "JSONataView"})").verbatim);
  CHECK(!field(R"({"viewClass": "TextAreaView"})").verbatim);
}

TEST_CASE("what is written for people is said once, and without its HTML") {
  const auto it = field(R"({"label": "Codes", "note": "Codes", "prompt": "Defaults to: 500",
                            "help": {"description": "<b>Exact:</b><br>401, 404<br/>if a < b"}})");
  CHECK(it.summary == "Codes. Exact: 401, 404 if a < b. Defaults to: 500.");
}

TEST_CASE("a default is taken where it fits its field, and then nothing is required") {
  CHECK(field(R"({"viewClass": "TextFieldView", "default": 5, "required": true})").default_json == "\"5\"");
  CHECK(!field(R"({"viewClass": "TextFieldView", "default": 5, "required": true})").required);
  CHECK(field(R"({"viewClass": "CheckBoxView", "default": "yes", "required": true})").default_json.empty());
  CHECK(field(R"({"viewClass": "CheckBoxView", "default": "yes", "required": true})").required);
  CHECK(field(R"({"viewClass": "SelectView", "model": {"a": "A"}, "default": "b"})").default_json.empty());
  CHECK(field(R"({"viewClass": "JSONataView", "default": "a +"})").default_json.empty());
  CHECK(field(R"({"viewClass": "PasswordFieldView", "default": "secret"})").default_json.empty());
}

TEST_CASE("fields stand in their order, those with the highest first") {
  const auto fields =
      fields_of(boost::json::parse(R"({"a": {}, "b": {"order": 1}, "c": {"order": 5.5}, "d": {}})").as_object(), "");
  std::string names;
  for (const auto& one : fields) names += one.name;
  CHECK(names == "cbad");
}

}  // namespace millrace::installed
