#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "core/result.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What a token may be good for. `admin` is good for everything.
enum class Scope { flows_read, flows_write, operate, credentials, admin };
/// "flows:read" …
std::string_view to_string(Scope scope);
std::optional<Scope> scope_of(std::string_view text);

/// Who asks, and what he may do.
struct Caller {
  std::string who;  ///< as the audit log has it: "token ci", "local"
  std::vector<Scope> scopes;

  bool may(Scope scope) const;
};

/// One request to an operation, after all checks that are the same for every operation.
struct Call {
  io::posix::HttpRequest request;
  std::vector<std::string> path;             ///< what stands at the placeholders of the path, decoded, in their order
  std::map<std::string, std::string> query;  ///< decoded
  boost::json::object body;                  ///< of an operation that takes JSON; empty if none was sent
  Caller caller;
  io::posix::Respond respond;

  /// A parameter of the query, or empty.
  std::string asked(const std::string& name) const;
  /// limit=: how many items a page shall have, 1 to 200, 50 if it is not said. Error::invalid.
  Result<std::int64_t> limit() const;
};

/// One method of one path of the API; docs/openapi.yaml describes each.
struct Operation {
  enum class Body {
    none,
    json,           ///< a JSON object, or nothing
    flow_document,  ///< a flow's text: application/yaml or application/json
  };

  std::string_view method;
  std::string_view path;  ///< "/v1/flows/{flow}/draft"
  Scope scope;
  std::function<void(Call)> handle;
  Body body = Body::none;
  std::vector<std::string_view> query = {};  ///< the parameters that it knows
  std::uint64_t body_max = 64u << 10;        ///< bytes; without a body 0
  bool keeps_answer = true;                  ///< a POST with an Idempotency-Key: its answer may be stored
};

using Operations = std::vector<Operation>;

}  // namespace millrace::api
