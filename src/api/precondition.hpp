#pragma once

#include <cstdint>
#include <optional>

#include <boost/json/object.hpp>

#include "core/result.hpp"
#include "flow/flow.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What a client says it has seen of a draft (RFC 9110 §13.1.1, §13.1.2).
struct Precondition {
  bool given = false;
  std::optional<std::int64_t> revision = {};  ///< 0: there must be none yet; none: whatever there is (If-Match: *)
};

/// From If-Match or If-None-Match: *. Error::stale for a tag that none of ours can be.
Result<Precondition> precondition_of(const io::posix::HttpRequest& request);

/// What is wrong with a flow, for programs: line, column, field, message, mend.
boost::json::object problem_json(const flow::Problem& problem);

}  // namespace millrace::api
