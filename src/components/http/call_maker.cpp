#include "components/http/call_maker.hpp"

#include <algorithm>

#include <strings.h>
#include <unistd.h>

#include "component/base64.hpp"
#include "components/http/add_query.hpp"

namespace millrace::components {
using component::Failure;

namespace {

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_token(std::string_view name) {
  constexpr std::string_view special = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || special.find(c) != std::string_view::npos;
  });
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view origin(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

}  // namespace

Result<CallMaker> CallMaker::make(const component::Config& config, const component::Services& services) {
  CallMaker made;
  auto url = Template::compile(config.text("url"), "config.url", services);
  if (!url) return url.error();
  made.url_ = std::move(*url);
  auto query = TemplateMap::compile(config.text_map("query"), "config.query", services);
  if (!query) return query.error();
  made.query_ = std::move(*query);
  const auto headers = config.text_map("headers");
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return Error{Error::Kind::invalid, "config.headers: \"" + name + "\" is no header name"};
    made.header_names_.push_back(name);
  }
  auto compiled = TemplateMap::compile(headers, "config.headers", services);
  if (!compiled) return compiled.error();
  made.headers_ = std::move(*compiled);

  const auto auth = config.text("auth");
  if (auth == "basic") {
    made.authorization_ =
        "Authorization: Basic " + component::base64_encoded(config.text("username") + ":" + config.text("password"));
  } else if (auth == "bearer") {
    made.authorization_ = "Authorization: Bearer " + config.text("token");
  }
  if (has_line_break(made.authorization_)) {
    return Error{Error::Kind::invalid, "config.token: must not hold a line break"};
  }

  made.base_.timeout = config.duration("timeout");
  made.base_.redirects_max = static_cast<int>(config.integer("redirects_max"));
  made.base_.response_max = config.size("response_max");
  made.base_.tls.verify = config.boolean("tls_verify");
  made.base_.tls.ca_file = config.text("tls_ca_file");
  if (!made.base_.tls.ca_file.empty() && ::access(made.base_.tls.ca_file.c_str(), R_OK) != 0) {
    return Error{Error::Kind::not_found, "config.tls_ca_file: cannot read " + made.base_.tls.ca_file};
  }
  return made;
}

bool CallMaker::sets_header(std::string_view name) const {
  return std::any_of(header_names_.begin(), header_names_.end(), [&](const auto& set) { return same_name(set, name); });
}

Result<StepCall, Failure> CallMaker::call(std::string_view envelope, std::string_view execution_id,
                                          const std::vector<jsonata::Binding>& more,
                                          const std::optional<std::string>& url) const {
  StepCall made{base_};
  auto& call = made.http;
  auto configured = url_->fill(envelope, execution_id, more, percent_encoded);
  if (!configured) return configured.error();
  call.url = url ? *url : configured->value_or(std::string());
  if (call.url.substr(0, 7) != "http://" && call.url.substr(0, 8) != "https://") {
    return Failure{"http.url",
                   "config.url gives \"" + url_for_people(call.url) + "\", which is no http:// or https:// address"};
  }
  made.to_configured_host = !url || origin(*url) == origin(configured->value_or(std::string()));
  if (!url) {
    auto query = query_.fill(envelope, execution_id, more);
    if (!query) return query.error();
    if (!query->empty()) add_query(call.url, *query);
  }
  if (!made.to_configured_host) return made;
  auto headers = headers_.fill(envelope, execution_id, more);
  if (!headers) return headers.error();
  call.headers.reserve(headers->size() + 3);
  for (const auto& [name, value] : *headers) {
    if (has_line_break(value)) return Failure{"http.header", "config.headers." + name + " gives a line break"};
    // libcurl takes "Name;" for a header that is empty; "Name:" would leave it out.
    call.headers.push_back(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!authorization_.empty()) call.headers.push_back(authorization_);
  return made;
}

std::string url_for_people(std::string_view url) {
  auto text = std::string(url.substr(0, url.find_first_of("?#")));
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const auto host_end = text.find('/', scheme + 3);
  const auto at = text.substr(0, host_end).rfind('@');
  if (at != std::string::npos) text.erase(scheme + 3, at - scheme - 2);
  return text;
}

}  // namespace millrace::components
