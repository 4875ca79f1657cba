#include "components/mapped_action.hpp"

#include "component/evaluation.hpp"

namespace millrace::components {
using component::Outcome;

MappedAction::MappedAction(const component::Config&, jsonata::Expression expression, component::Services&)
    : expression_(std::move(expression)) {}

Result<jsonata::Expression> MappedAction::compile(const component::Config& config, const std::string& field) {
  return component::compile(config.text(field), "config." + field);
}

component::Emission MappedAction::same_message(const component::Message& message) {
  return {.body = std::string(message.body()),
          .headers = std::string(message.part("headers")),
          .attachments = std::string(message.part("attachments"))};
}

void MappedAction::process(component::Work work, component::Finish finish) {
  auto result = expression_.evaluate(work.message.envelope());
  if (!result) return finish(Outcome::dead(component::failure_of(result.error())));
  finish(map(work, std::move(*result)));
}

}  // namespace millrace::components
