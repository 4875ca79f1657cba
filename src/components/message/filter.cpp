#include "component/evaluation.hpp"
#include "components/functions.hpp"
#include "components/mapped_action.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Field;
using component::Outcome;

namespace {

class Filter final : public MappedAction {
 public:
  using MappedAction::MappedAction;

 private:
  Outcome map(const component::Work& work, std::optional<std::string> result) override {
    Outcome outcome;
    outcome.filtered = !component::is_true(result);
    if (!outcome.filtered) outcome.emissions.push_back(same_message(work.message));
    return outcome;
  }
};

}  // namespace

component::Function message_filter() {
  Descriptor it;
  it.component = "message";
  it.name = "filter";
  it.title = "Filter";
  it.summary = "Passes on the messages for which a condition holds; the others end here, as filtered.";
  it.fields = {{.name = "condition",
                .type = Field::Type::expression,
                .summary = "JSONata over the message; true as $boolean() sees it.",
                .required = true}};
  it.emits = "The message as it came.";
  it.examples = {{"Only orders with something to ship", R"(- id: shippable
  action: message.filter
  after: orders
  config:
    condition: $count(body.items[stock > 0]) > 0
)"}};
  return {it, MappedAction::maker<Filter>(it, "condition")};
}

}  // namespace millrace::components
