#include "app/trace_parts.hpp"

#include <utility>

#include "io/posix/curl_transfers.hpp"

namespace millrace::app {

TraceParts::TraceParts(io::posix::AsioLoop& loop, tracing::Exporter::Settings settings, double ratio)
    : offload(loop),
      exporter(
          loop, offload, [&loop] { return io::posix::CurlTransfers::make(loop); }, std::move(settings)),
      tracer(loop, exporter, ratio) {}

std::unique_ptr<TraceParts> TraceParts::open(io::posix::AsioLoop& loop, const ServeOptions& options,
                                             const std::string& run) {
  if (options.traces.endpoint.empty()) return nullptr;
  auto settings = options.traces;
  settings.resource.instance = run;
  return std::make_unique<TraceParts>(loop, std::move(settings), options.trace_ratio);
}

}  // namespace millrace::app
