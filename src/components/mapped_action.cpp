#include "components/mapped_action.hpp"

namespace millrace::components {
using component::Outcome;

MappedAction::MappedAction(const component::Config&, component::StepExpression expression, component::Services&)
    : expression_(std::move(expression)) {}

component::Emission MappedAction::same_message(const component::Message& message) {
  return {.body = std::string(message.body()),
          .headers = std::string(message.part("headers")),
          .attachments = std::string(message.part("attachments"))};
}

void MappedAction::process(component::Work work, component::Finish finish) {
  auto result = expression_.evaluate(work.message.envelope(), work.execution_id);
  if (!result) return finish(Outcome::dead(result.error()));
  finish(map(work, std::move(*result)));
}

}  // namespace millrace::components
