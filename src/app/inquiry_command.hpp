#pragma once

#include <string>

#include "app/api_client.hpp"

namespace millrace::app {

/// `millrace component verify NAME`, `metadata NAME.FUNCTION` and `select NAME.FUNCTION FIELD`.
struct InquiryOptions {
  Server server = {};
  std::string kind = {};  ///< "verify", "metadata", "select"
  std::string name = {};  ///< "petstore" or "petstore.getPets"
  std::string field = {};
  std::string config = {};      ///< JSON, or @FILE
  std::string credential = {};  ///< one that a running platform has, instead of its fields
};

/// Asks an installed component, on a running platform or here. The answer is printed as JSON; ExitCode::failed also for
/// credentials that are not good.
int ask_component(const InquiryOptions& options);

}  // namespace millrace::app
