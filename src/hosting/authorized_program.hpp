#pragma once

#include <functional>
#include <memory>

#include <boost/json/object.hpp>

#include "component/action.hpp"
#include "component/step_settings.hpp"
#include "core/error.hpp"
#include "io/loop.hpp"

namespace millrace::hosting {

/// How a kind of program learns of a login.
struct LoginUse {
  /// What it is told; of equal ones a program needs to know only once.
  std::function<boost::json::object(const component::Login& login)> told;
  /// Starts it with that. `settings` are the step's, with the snapshot that was saved last.
  std::function<Result<std::unique_ptr<component::Action>>(const component::StepSettings& settings,
                                                           const component::Login& login)>
      start;
};

/// The action of a step that names a credential and whose program is told of it only when it starts. It is started
/// once there is a login, and anew, between two messages, when what it is told has changed: messages wait until those
/// in work are done. A message that comes while there is no login is tried again later (outcome_without_login).
/// Secrets are taken out of what failures say. `lost` is called when the program cannot be started. Thread: the
/// loop's. Loop and credential outlive it.
class AuthorizedProgram final : public component::Action {
 public:
  AuthorizedProgram(io::Loop& loop, component::CredentialSource& credential, component::StepSettings settings,
                    std::size_t concurrency, LoginUse use, std::function<void(Error)> lost);
  ~AuthorizedProgram() override;

  std::size_t concurrency() const override { return concurrency_; }
  void process(component::Work work, component::Finish finish) override;

 private:
  class State;
  std::shared_ptr<State> state_;
  const std::size_t concurrency_;
};

}  // namespace millrace::hosting
