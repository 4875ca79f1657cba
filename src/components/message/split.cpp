#include <fmt/format.h>

#include "component/config.hpp"
#include "component/json_text.hpp"
#include "components/functions.hpp"
#include "components/mapped_action.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Emission;
using component::Field;
using component::Outcome;

namespace {

class Split final : public MappedAction {
 public:
  Split(const component::Config& config, component::StepExpression expression, component::Services& services)
      : MappedAction(config, std::move(expression), services),
        limit_(static_cast<std::size_t>(config.integer("limit"))) {}

 private:
  Outcome map(const component::Work&, std::optional<std::string> result) override {
    Outcome outcome;
    const auto items = result ? component::json_text::trimmed(*result) : std::string_view();
    if (!items.empty() && items.front() == '[') {
      const auto walked = component::json_text::elements(items, [&](std::string_view item) {
        if (outcome.emissions.size() <= limit_) outcome.emissions.push_back(Emission{.body = std::string(item)});
      });
      if (!walked) return Outcome::dead({"split.items", walked.error().message});
    } else if (!items.empty()) {
      outcome.emissions.push_back(Emission{.body = std::string(items)});
    }
    if (outcome.emissions.size() > limit_) {
      return Outcome::dead({"split.limit", fmt::format("the message has more than {} items; raise config.limit or "
                                                       "split it in two steps",
                                                       limit_)});
    }
    outcome.filtered = outcome.emissions.empty();
    return outcome;
  }

  std::size_t limit_;
};

}  // namespace

component::Function message_split() {
  Descriptor it;
  it.component = "message";
  it.name = "split";
  it.title = "Split";
  it.summary =
      "Makes one message of each item of an array, in order; all of them take effect together. A single value counts "
      "as "
      "an array of one; nothing, or an empty array, ends here as filtered.";
  it.fields = {{.name = "items",
                .type = Field::Type::expression,
                .summary = "JSONata over the message that yields the array.",
                .default_json = R"("body")"},
               {.name = "limit",
                .type = Field::Type::integer,
                .summary = "Most items that one message may have; more make it a dead letter.",
                .default_json = "10000",
                .minimum = 1,
                .maximum = 1'000'000}};
  it.emits = "One item.";
  it.examples = {{"One message a line of an order", R"(- id: lines
  action: message.split
  after: orders
  config:
    items: body.lines
)"}};
  return {it, MappedAction::maker<Split>(it, "items")};
}

}  // namespace millrace::components
