#pragma once

#include <string>

#include "tracing/exporter.hpp"

namespace millrace::api {

/// What became of the spans, for Prometheus; docs/metrics.md lists the names.
std::string trace_metrics_text(const tracing::Exporter::Counts& counts);

}  // namespace millrace::api
