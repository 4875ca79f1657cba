#include "tracing/tracer.hpp"

#include <utility>

namespace millrace::tracing {

void Tracer::began(const Source& source, const Context& context, std::string_view via,
                   std::string_view execution) const {
  if (!context.sampled) return;
  const Active active{context, "", Begin::now(loop_)};
  auto span = active.over("send " + source.step, Span::Kind::producer, loop_);
  span.attributes = messaging_attributes("send", execution, execution);
  span.attributes.push_back({"millrace.execution.via", std::string(via)});
  add(source, span);
}

void Tracer::add(const Source& source, const Span& over) const {
  if (!over.context.sampled) return;
  std::string encoded;
  encode(over, encoded);
  exporter_.take(source, std::move(encoded));
}

}  // namespace millrace::tracing
