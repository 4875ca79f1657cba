#include "api/control_api.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/pct_string_view.hpp>

#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;

constexpr std::string_view letters_path = "/v1/dead-letters";
constexpr std::string_view letter_path = "/v1/dead-letters/";

HttpResponse ok(const json::value& body) {
  return {200, "application/json", json::serialize(body), {}};
}

std::string_view flow_asked_for(std::string_view query) {
  constexpr std::string_view name = "flow=";  // flow names need no percent-encoding
  return query.starts_with(name) ? query.substr(name.size()) : std::string_view();
}

}  // namespace

void ControlApi::handle(HttpRequest request, Respond respond) {
  if (broker_ != nullptr && BrokerApi::takes(request)) return broker_->handle(std::move(request), std::move(respond));
  if (request.path == "/v1/status" && request.method == "GET") return respond(ok(status_()));
  const std::string_view path = request.path;
  if (path.size() > letter_path.size() && path.starts_with(letter_path)) {
    return handle_letter(request, path.substr(letter_path.size()), respond);
  }
  if (path != letters_path) return respond(problem(404, "Not found", "there is nothing at " + request.path));
  if (request.method != "GET") return respond(problem(405, "Method not allowed", "name one dead letter"));
  json::array letters;
  for (const auto& letter : dead_letters_.list(flow_asked_for(request.query))) {
    letters.push_back(letter.to_json(false));
  }
  respond(ok(json::object{{"dead_letters", std::move(letters)}}));
}

void ControlApi::handle_letter(const HttpRequest& request, std::string_view rest, const Respond& respond) {
  constexpr std::string_view retry_suffix = "/retry";
  const bool retry = request.method == "POST" && rest.ends_with(retry_suffix);
  if (retry) rest.remove_suffix(retry_suffix.size());
  const auto id = boost::urls::make_pct_string_view(rest);
  if (!id || rest.empty()) return respond(problem(400, "Bad request", "this is no message id"));
  const auto letter = dead_letters_.find(id->decode());
  if (!letter) return respond(problem(letter.error()));
  if (request.method == "GET") return respond(ok(letter->to_json(true)));
  if (!retry && request.method != "DELETE") {
    return respond(problem(405, "Method not allowed", "GET, DELETE, or POST to …/retry"));
  }
  auto durable = [respond, letter = *letter](const millrace::Status& stored) {
    respond(stored ? ok(letter.to_json(false)) : problem(stored.error()));
  };
  const auto begun = retry ? dead_letters_.retry(*letter, durable) : dead_letters_.drop(*letter, durable);
  if (!begun) respond(problem(begun.error()));
}

}  // namespace millrace::api
