#include "api/authorization_callback.hpp"

#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>
#include <fmt/format.h>

#include "core/markup.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

using io::posix::HttpResponse;

/// The state and the code stand in the address: it is not told to anybody, and not kept.
HttpResponse page(int status, std::string_view title, std::string_view text) {
  auto body = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>"
      "<body style=\"font-family: sans-serif; margin: 3em auto; max-width: "
      "40em\"><h1>{0}</h1><p>{1}</p></body></html>\n",
      as_markup(title), as_markup(text));
  return {status,
          "text/html; charset=utf-8",
          std::move(body),
          {{"Cache-Control", "no-store"},
           {"Referrer-Policy", "no-referrer"},
           {"X-Content-Type-Options", "nosniff"},
           {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"}}};
}

}  // namespace

std::uint64_t AuthorizationCallback::body_max(const io::posix::HttpRequest& head) const {
  return head.path == path ? 0 : webhooks_.body_max(head);
}

void AuthorizationCallback::handle(io::posix::HttpRequest request, io::posix::Respond respond) {
  if (request.path != path) return webhooks_.handle(std::move(request), std::move(respond));
  if (request.method != "GET") {
    auto response = io::posix::problem(405, "Method not allowed", "authorization servers send people here with GET");
    response.headers.emplace_back("Allow", "GET");
    return respond(std::move(response));
  }
  credentials::oauth2::Visits::Return back;
  if (const auto query = boost::urls::parse_query(request.query)) {
    for (const auto& parameter : boost::urls::params_view(*query)) {
      if (parameter.key == "state") back.state = parameter.value;
      if (parameter.key == "code") back.code = parameter.value;
      if (parameter.key == "error") back.error = parameter.value;
      if (parameter.key == "error_description") back.description = parameter.value;
    }
  }
  visits_.end(back, [respond = std::move(respond)](const Result<std::string>& authorized) {
    if (authorized) {
      return respond(page(200, "Authorised",
                          fmt::format("The credential {} is authorised. You can close this window.", *authorized)));
    }
    const bool unexpected = authorized.error().kind == Error::Kind::permission;
    respond(page(unexpected ? 400 : 502, "Not authorised", authorized.error().message));
  });
}

}  // namespace millrace::api
