#include "component/step_input.hpp"

namespace millrace::component {

Result<StepInput> StepInput::compile(const StepSettings& settings, const Services& services) {
  StepInput made;
  if (settings.when) {
    auto when = StepExpression::compile(*settings.when, "when", services);
    if (!when) return when.error().in("step " + settings.id);
    made.when_.emplace(std::move(*when));
  }
  if (settings.input) {
    auto input = StepExpression::compile(*settings.input, "input", services);
    if (!input) return input.error().in("step " + settings.id);
    made.input_.emplace(std::move(*input));
  }
  return made;
}

Result<std::optional<Message>, Failure> StepInput::prepare(const Lineage& lineage, const std::string& envelope) const {
  auto message = Message::parse(envelope);
  if (!message) {
    const bool is_limit = message.error().kind == Error::Kind::limit;
    return Failure{is_limit ? "message.too_deep" : "message.not_json", message.error().message};
  }
  if (const auto& failure = lineage.order_failure; !failure.empty()) {
    const auto end = failure.find(": ");
    return end == std::string::npos ? Failure{"order.key", failure}
                                    : Failure{failure.substr(0, end), failure.substr(end + 2)};
  }
  if (when_) {
    auto holds = when_->evaluate(envelope, lineage.execution_id);
    if (!holds) return holds.error();
    if (!is_true(*holds)) return std::optional<Message>();
  }
  if (input_) {
    auto body = input_->evaluate(envelope, lineage.execution_id);
    if (!body) return body.error();
    *message = message->with_body(body->value_or("{}"));
  }
  return std::optional<Message>(std::move(*message));
}

}  // namespace millrace::component
