#include "components/functions.hpp"
#include "components/mapped_action.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Field;
using component::Outcome;

namespace {

class Transform final : public MappedAction {
 public:
  using MappedAction::MappedAction;

 private:
  Outcome map(const component::Work&, std::optional<std::string> result) override {
    if (!result) {
      Outcome outcome;
      outcome.filtered = true;
      return outcome;
    }
    return Outcome::done({Emission{.body = std::move(*result)}});
  }
};

}  // namespace

component::Function jsonata_transform() {
  Descriptor it;
  it.component = "jsonata";
  it.name = "transform";
  it.title = "Transform";
  it.summary =
      "Makes a new body out of the message with a JSONata expression. An array becomes one message with an array body; "
      "where the expression yields nothing, nothing goes on.";
  it.fields = {{.name = "expression",
                .type = Field::Type::expression,
                .summary = "JSONata over the message (body, headers, attachments, passthrough).",
                .required = true}};
  it.emits = "What the expression yields.";
  it.examples = {{"Rename and filter fields", R"(- id: shape
  action: jsonata.transform
  after: form
  config:
    expression: |
      { "title": "Interest: " & body.company, "contact": $lowercase(body.email), "products": body.products[stock > 0].name }
)"}};
  return {it, MappedAction::maker<Transform>(it, "expression")};
}

}  // namespace millrace::components
