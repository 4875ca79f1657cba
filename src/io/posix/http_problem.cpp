#include "io/posix/http_problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace millrace::io::posix {

HttpResponse problem(int status, std::string_view title, std::string_view detail) {
  const boost::json::object body = {{"status", status}, {"title", title}, {"detail", detail}};
  return {status, "application/problem+json", boost::json::serialize(body), {}};
}

HttpResponse problem(const Error& error) {
  switch (error.kind) {
    case Error::Kind::invalid:
    case Error::Kind::unsupported:
      return problem(400, "Bad request", error.message);
    case Error::Kind::permission:
      return problem(403, "Forbidden", error.message);
    case Error::Kind::not_found:
      return problem(404, "Not found", error.message);
    case Error::Kind::conflict:
      return problem(409, "Conflict", error.message);
    case Error::Kind::stale:
      return problem(412, "Precondition failed", error.message);
    default:
      return problem(503, "Service unavailable", error.message);
  }
}

}  // namespace millrace::io::posix
