#include "flow/beginning_trace.hpp"

#include "component/lineage.hpp"
#include "flow/plan.hpp"

namespace millrace::flow {

std::string new_traceparent(const tracing::Tracer* tracer) {
  return tracer == nullptr ? std::string() : tracer->begin_execution().traceparent();
}

void tell_beginning(const tracing::Tracer* tracer, const broker::Message& message, std::string_view via) {
  if (tracer == nullptr) return;
  const auto lineage = component::Lineage::read(message.properties);
  if (!lineage || !lineage->trace) return;
  const auto& headers = *lineage->properties.headers;
  tracing::Source source{std::string(headers.text("taskId")), names::version_of_exchange(message.exchange).value_or(0),
                         std::string(headers.text("stepId")), ""};
  tracer->began(source, lineage->trace, via, lineage->execution_id);
}

}  // namespace millrace::flow
