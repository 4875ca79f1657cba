#include "components/http/call_span.hpp"

#include <boost/url/parse.hpp>

namespace millrace::components {
namespace {

using tracing::Span;

void add_address(Span& span, const std::string& target) {
  span.attributes.push_back({"url.full", target});
  const auto url = boost::urls::parse_uri(target);
  if (!url) return;
  span.attributes.push_back({"server.address", std::string(url->host_address())});
  const auto usual = url->scheme() == "https" ? 443 : 80;
  span.attributes.push_back({"server.port", std::int64_t{url->has_port() ? url->port_number() : usual}});
}

}  // namespace

CallSpan::CallSpan(const component::Services& services, const tracing::Context& trace, io::HttpCall& call)
    : loop_(services.loop), spans_(trace.sampled ? services.spans : nullptr), method_(call.method) {
  if (!trace) return;
  if (spans_ != nullptr) active_ = tracing::Active::below(trace, 0, loop_);
  const auto& told = spans_ != nullptr ? active_.context : trace;
  call.headers.push_back("traceparent: " + told.traceparent());
  if (!told.state.empty()) call.headers.push_back("tracestate: " + told.state);
}

void CallSpan::ended(const Result<io::HttpAnswer, component::Outcome>& result, const std::string& target) const {
  if (spans_ == nullptr) return;
  auto span = active_.over(method_, Span::Kind::client, loop_);
  span.attributes.push_back({"http.request.method", method_});
  add_address(span, target);
  if (result) {
    span.attributes.push_back({"http.response.status_code", std::int64_t{result->status}});
    if (result->status >= 400) {
      span.attributes.push_back({"error.type", std::to_string(result->status)});
      span.failure = "";
    }
  } else {
    span.attributes.push_back({"error.type", result.error().failure.code});
    span.failure = result.error().failure.message;
  }
  spans_->add(span);
}

}  // namespace millrace::components
