#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "core/result.hpp"

namespace millrace::component {

/// A function of a component that is a program of its own, installed beside Millrace, and how a worker runs it
/// (docs/component-protocol.md).
struct Program {
  enum class Protocol {
    sailor,  ///< elastic.io's contract, as npm `elasticio-sailor-nodejs` reads it: AMQP, environment, HTTP
    lines,   ///< JSON lines on stdin and stdout
  };

  Protocol protocol = Protocol::sailor;
  bool polls = false;                ///< a polling trigger: what it emits begins executions
  std::string folder;                ///< its working directory, absolute; holds component.json
  std::vector<std::string> command;  ///< what is started, searched for in PATH; empty: the protocol's usual
  std::string function;              ///< key in component.json's triggers or actions
  std::vector<std::pair<std::string, std::string>> environment;  ///< what it is given beyond the contract
  std::string token_field = {};                                  ///< CredentialForm::token_field

  boost::json::object to_json() const;
  /// Error::invalid names the field.
  static Result<Program> from_json(const boost::json::object& from);
  friend bool operator==(const Program&, const Program&) = default;
};

}  // namespace millrace::component
