#include "io/posix/http_head.hpp"

#include <algorithm>

#include "io/posix/http_problem.hpp"

namespace millrace::io::posix {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::optional<HttpResponse> fault_of_head(const HttpRequest& request, bool is_http_1_1) {
  const auto count = [&](std::string_view name) {
    return std::ranges::count_if(request.headers, [&](const auto& header) { return header.first == name; });
  };
  const auto hosts = count("host");
  if (hosts > 1 || (is_http_1_1 && hosts == 0)) {
    return problem(400, "Bad request", "a request has exactly one Host header");
  }
  const auto lengths = count("content-length");
  const auto codings = count("transfer-encoding");
  if (lengths > 1) return problem(400, "Bad request", "a request has at most one Content-Length");
  if (codings > 0 && lengths > 0) {
    return problem(400, "Bad request", "a request has a Content-Length or a Transfer-Encoding, not both");
  }
  if (codings > 1 || (codings == 1 && !same_word(request.header("transfer-encoding"), "chunked"))) {
    return problem(501, "Not implemented", "the only Transfer-Encoding that is read is chunked");
  }
  if (codings > 0 && !is_http_1_1) return problem(400, "Bad request", "HTTP/1.0 has no Transfer-Encoding");
  if (count("expect") > 0 && !same_word(request.header("expect"), "100-continue")) {
    return problem(417, "Expectation failed", "the only expectation that can be met is 100-continue");
  }
  return std::nullopt;
}

bool read_target(std::string_view target, HttpRequest& into) {
  if (!std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7F; })) return false;
  if (target == "*") {
    into.path = "*";
    return true;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!same_word(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(std::min(target.find_first_of("/?", scheme.size()), target.size()));
    if (!target.starts_with('/')) into.path = "/";
    break;
  }
  if (into.path.empty() && !target.starts_with('/')) return false;
  const auto question = target.find('?');
  into.path += target.substr(0, question);
  if (question != std::string_view::npos) into.query = std::string(target.substr(question + 1));
  return true;
}

bool is_other_version(std::string_view received) {
  const auto line = received.substr(0, received.find("\r\n"));
  const auto space = line.rfind(' ');
  if (space == std::string_view::npos) return false;
  const auto version = line.substr(space + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' &&
         is_digit(version[7]) && version != "HTTP/1.0" && version != "HTTP/1.1";
}

}  // namespace millrace::io::posix
