#pragma once

#include <optional>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "component/config.hpp"
#include "components/http/authorized_calls.hpp"
#include "components/template.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

/// Makes the HTTP call of a step from its config (the fields of http_request_fields) and a message.
class CallMaker {
 public:
  /// Error::invalid names the field.
  static Result<CallMaker> make(const component::Config& config, const component::Services& services);

  /// Everything but method and body. `url` instead of the configured one where given (a next page): then `query` is
  /// left out, and where it leads to another host than the configured one, headers and login as well. A credential's
  /// login is added when it is sent (AuthorizedCalls).
  Result<StepCall, component::Failure> call(std::string_view envelope, std::string_view execution_id,
                                            const std::vector<jsonata::Binding>& more = {},
                                            const std::optional<std::string>& url = {}) const;

  /// True if the config sets that header (any case).
  bool sets_header(std::string_view name) const;

 private:
  CallMaker() = default;

  std::optional<Template> url_;
  TemplateMap query_;
  TemplateMap headers_;
  std::vector<std::string> header_names_;
  std::string authorization_;  ///< a whole header line, or empty
  io::HttpCall base_;
};

/// The url without user, password, query and fragment: for failures and logs.
std::string url_for_people(std::string_view url);

}  // namespace millrace::components
