#pragma once

#include <functional>
#include <optional>
#include <string>

#include "component/action.hpp"
#include "component/message.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "core/result.hpp"
#include "hosting/sailor/cipher.hpp"
#include "io/posix/loop.hpp"

/// Bodies that a component has put into the object storage: its library leaves {} and the object's id in the message's
/// headers (lib/sailor.js, EMIT_LIGHTWEIGHT_MESSAGE). All but the largest come back into their messages here, so that
/// what is queued, recorded, mapped and retried is whole
/// ([ADR 19](docs/adr/0019-bodies-travel-in-their-messages.md)).
namespace millrace::hosting::sailor {

/// The id of the object that is this message's body; empty: it has its body itself.
std::string reference_of(const component::Message& message);

/// The emission with its body instead of the reference to it.
void put_body(component::Emission& emission, std::string body);

class References {
 public:
  /// All of it outlives it.
  References(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
             const component::StepSettings& settings, const Cipher& cipher);

  /// `done` is called once, on the loop: with the body, or nothing where it stays a reference, as it is larger than a
  /// message may be, not there, or no JSON that was hidden in the library's way. Error::unavailable: the platform does
  /// not answer.
  void fetch(const std::string& id, std::function<void(Result<std::optional<std::string>>)> done) const;

 private:
  io::posix::AsioLoop& loop_;
  const component::WorkerEnvironment& environment_;
  const component::StepSettings& settings_;
  const Cipher& cipher_;
};

}  // namespace millrace::hosting::sailor
