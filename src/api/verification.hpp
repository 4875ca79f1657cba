#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

namespace millrace::api {

/// A credential to be tried on its service, as one function of a component does it.
struct VerificationOrder {
  std::string credential;
  std::string component;       ///< "http"
  std::string function;        ///< "request"
  boost::json::object config;  ///< the function's
};

struct Verdict {
  bool ok = false;
  std::string message;  ///< what was seen, without secrets
};

/// Tries it in a process of its own, bounded in time. `done` is called once, on the loop, not from inside.
using Verify = std::function<void(const VerificationOrder& order, std::function<void(Verdict)> done)>;

}  // namespace millrace::api
