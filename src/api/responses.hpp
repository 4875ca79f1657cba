#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/result.hpp"
#include "io/posix/http_problem.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

inline io::posix::HttpResponse json_response(int status, const boost::json::value& body) {
  return {status, "application/json", boost::json::serialize(body), {}};
}

/// One page of a collection: {"items": […], "next": "…"}; `next` is the cursor of the page after it, and empty at the
/// end.
inline io::posix::HttpResponse page(boost::json::array items, const std::string& next) {
  boost::json::object body = {{"items", std::move(items)}, {"next", nullptr}};
  if (!next.empty()) body["next"] = next;
  return json_response(200, body);
}

/// Whether server-sent events are asked for.
inline bool accepts_events(const io::posix::HttpRequest& request) {
  return request.header("accept").find("text/event-stream") != std::string_view::npos;
}

/// The entity tag of a revision (RFC 9110 §8.8.3).
inline std::string etag_of(std::int64_t revision) {
  return "\"" + std::to_string(revision) + "\"";
}

}  // namespace millrace::api
