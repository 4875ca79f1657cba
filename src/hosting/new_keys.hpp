#pragma once

#include <functional>
#include <string>

#include "component/credential.hpp"
#include "component/worker_environment.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting {

/// What the platform says to a program that has got its credential's fields anew.
struct KeysAnswer {
  int status = 0;  ///< of HTTP; 200: they are on stable storage
  std::string why = {};
};

/// Has the platform keep them: `keys` is JSON text of an object. `done` is called once, on the loop. Afterwards the
/// source knows that what it knew is over. Loop, environment and source outlive that.
void keep_keys(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
               component::CredentialSource& source, std::string_view keys, std::function<void(const KeysAnswer&)> done);

}  // namespace millrace::hosting
