#include "api/trace_metrics.hpp"

#include "api/metrics_page.hpp"

namespace millrace::api {

std::string trace_metrics_text(const tracing::Exporter::Counts& counts) {
  MetricsPage page;
  page.single("millrace_trace_spans_exported_total", "counter", "Spans that the collector has taken", counts.exported);
  page.single("millrace_trace_spans_dropped_total", "counter",
              "Spans that it has not: too many came while it did not answer, or it refused them", counts.dropped);
  page.single("millrace_trace_export_failures_total", "counter", "Requests to the collector that came to nothing",
              counts.failures);
  return page.text;
}

}  // namespace millrace::api
