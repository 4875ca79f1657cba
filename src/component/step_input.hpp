#pragma once

#include <optional>
#include <string>

#include "component/evaluation.hpp"
#include "component/lineage.hpp"
#include "component/message.hpp"
#include "component/step_settings.hpp"

namespace millrace::component {

/// A step's `when:` and `input:`: from the message as it came to the one its action gets.
class StepInput {
 public:
  static Result<StepInput> compile(const StepSettings& settings, const Services& services);

  /// The action's message; nullopt where `when:` does not hold and the message passes this step by. A Failure where
  /// the text is no message, an expression fails, or the body is in the object storage and the step cannot go there.
  /// An `input:` that yields nothing makes an empty body, {}.
  Result<std::optional<Message>, Failure> prepare(const Lineage& lineage, const std::string& envelope) const;

 private:
  bool reads_references_ = false;  ///< the step's program fetches bodies from the object storage itself
  std::optional<StepExpression> when_;
  std::optional<StepExpression> input_;
};

}  // namespace millrace::component
