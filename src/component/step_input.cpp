#include "component/step_input.hpp"

#include "component/reference.hpp"

namespace millrace::component {
namespace {

std::optional<Failure> too_large_to_read(const Message& message) {
  const auto object = reference_in(message.body(), message.part("headers"));
  if (object.empty()) return std::nullopt;
  return Failure{"message.too_large",
                 "the body of this message is the object " + object +
                     " in the object storage, as it is larger than a message may be, or no JSON: only a step of an "
                     "elastic.io component without when: and input: can read it"};
}

}  // namespace

Result<StepInput> StepInput::compile(const StepSettings& settings, const Services& services) {
  StepInput made;
  made.reads_references_ = settings.program && settings.program->protocol == Program::Protocol::sailor;
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
  if (!reads_references_ || when_ || input_) {
    if (auto failure = too_large_to_read(*message)) return std::move(*failure);
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
