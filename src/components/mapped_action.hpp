#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "component/action.hpp"
#include "component/config.hpp"
#include "component/evaluation.hpp"

namespace millrace::components {

/// An action that is one JSONata expression over the message and what to make of its result; done at once, without
/// waiting for anything. A fault of the expression makes the message a dead letter with code "jsonata.<code>".
class MappedAction : public component::Action {
 public:
  MappedAction(const component::Config& config, component::StepExpression expression, component::Services& services);

  bool immediate() const final { return true; }
  void process(component::Work work, component::Finish finish) override;

  /// Function::make for an action of type T whose expression stands in `field`.
  template <class T>
  static auto maker(const component::Descriptor& descriptor, std::string field) {
    return [descriptor, field = std::move(field)](
               const boost::json::object& config,
               component::Services& services) -> Result<std::unique_ptr<component::Action>> {
      auto read = component::Config::read(descriptor, config);
      if (!read) return read.error();
      auto expression = component::StepExpression::compile(read->text(field), "config." + field, services);
      if (!expression) return expression.error();
      return std::unique_ptr<component::Action>(std::make_unique<T>(*read, std::move(*expression), services));
    };
  }

 protected:
  /// An emission of the message as it came: body, headers and attachments.
  static component::Emission same_message(const component::Message& message);

 private:
  virtual component::Outcome map(const component::Work& work, std::optional<std::string> result) = 0;

  component::StepExpression expression_;
};

}  // namespace millrace::components
