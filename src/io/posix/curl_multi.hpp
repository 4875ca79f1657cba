#pragma once

#include <functional>
#include <memory>

#include "io/posix/curl_library.hpp"
#include "io/posix/loop.hpp"

namespace millrace::io::posix {

/// A curl multi handle driven by the loop. Its sockets stand in an epoll set of their own, which the loop watches as
/// one descriptor, and stay there between the requests of a connection: a request over a kept connection costs no
/// system calls but its own send and receive.
class CurlMulti {
 public:
  /// `done` gets each handle that has ended, already removed; it may add others.
  CurlMulti(AsioLoop& loop, const CurlLibrary& curl, std::function<void(CURL*, CURLcode)> done);
  ~CurlMulti();

  void add(CURL* easy);
  void remove(CURL* easy);
  /// Ends all connections at once, so that nothing more goes out over them.
  void cut();
  /// Sets what every handle of this multi needs (how its sockets are opened and closed).
  void prepare(CURL* easy);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::io::posix
