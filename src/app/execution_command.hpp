#pragma once

#include <string>

#include "app/api_client.hpp"

namespace millrace::app {

/// What `millrace execution` was given.
struct ExecutionOptions {
  Server server = {};
  bool json = false;
  std::string id = {};
  std::string flow = {};
  std::string version = {};
  std::string state = {};
  std::string step = {};
  std::string error = {};  ///< text of a failure
  std::string since = {};  ///< a time (RFC 3339), or how long ago: "1h"
  std::string until = {};
  std::size_t limit = 50;
};

/// The executions that are meant, newest first.
int list_executions(const ExecutionOptions& options);
/// One, as a tree: messages, and below each what the steps that got it have done with it.
int show_execution(const ExecutionOptions& options);
/// What its steps do, as it comes, until it is over.
int follow_execution(const ExecutionOptions& options);

/// Which executions, as a query of the API: "flow=orders&state=failed". Error::invalid for a time that is none.
Result<std::string> execution_query(const ExecutionOptions& options);

}  // namespace millrace::app
