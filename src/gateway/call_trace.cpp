#include "gateway/call_trace.hpp"

#include <utility>

#include "flow/plan.hpp"

namespace millrace::gateway {
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using tracing::Span;

tracing::Context trace_of(const HttpRequest& request) {
  std::string_view parent;
  std::string state;
  for (const auto& [name, value] : request.headers) {
    if (name == "traceparent") {
      if (!parent.empty()) return {};
      parent = value;
    }
    // Several of them are one list (§3.3.1.1 of the recommendation).
    if (name == "tracestate") state.append(state.empty() ? "" : ",").append(value);
  }
  return tracing::Context::read(parent, state);
}

io::posix::Respond traced(const tracing::Tracer& tracer, tracing::Active active, const Route& route,
                          const HttpRequest& request, const std::string& execution, io::posix::Respond respond) {
  if (!active.context.sampled) return respond;
  Span begun;
  begun.name = request.method + " /" + route.path;
  begun.attributes = {{"http.request.method", request.method},
                      {"http.route", "/" + route.path},
                      {"url.path", request.path},
                      {"url.scheme", "http"},
                      {"client.address", request.peer},
                      {"millrace.execution.id", execution},
                      {"millrace.execution.via", "webhook"}};
  const auto version = flow::names::version_of_exchange(route.exchange);
  tracing::Source source{route.flow, version.value_or(0), route.step, "webhook.receive"};
  return [&tracer, active = std::move(active), begun = std::move(begun), source = std::move(source),
          respond = std::move(respond)](HttpResponse response) {
    auto span = active.over(begun.name, Span::Kind::server, tracer.loop());
    span.attributes = begun.attributes;
    span.attributes.push_back({"http.response.status_code", std::int64_t{response.status}});
    if (response.status >= 500) {
      span.attributes.push_back({"error.type", std::to_string(response.status)});
      span.failure = "";
    }
    tracer.add(source, span);
    respond(std::move(response));
  };
}

}  // namespace millrace::gateway
