#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "io/loop.hpp"
#include "io/transfers.hpp"
#include "tracing/otlp.hpp"
#include "tracing/span.hpp"

namespace millrace::tracing {

/// Sends spans to a collector: POST {endpoint}/v1/traces, OTLP over HTTP in JSON, in batches, one at a time.
///
/// Nothing waits for it. While the collector does not take them (no connection, 429, 502, 503, 504: it is tried again,
/// after its Retry-After or 1 s, 2 s … 30 s) spans are kept up to `kept_max`, then dropped and counted; a batch that it
/// refuses for good is dropped and counted. That it cannot be reached is logged once, and once that it can be again.
/// JSON is made on the offload. Thread: the loop's. Loop and offload outlive it.
class Exporter {
 public:
  static constexpr std::size_t kept_max = 16u << 20;     ///< bytes of encoded spans
  static constexpr std::size_t batch_size = 512u << 10;  ///< the same, of one request; JSON is about four times as long
  static constexpr std::chrono::milliseconds interval{1000};
  static constexpr std::chrono::seconds retry_delay_max{30};

  struct Settings {
    std::string endpoint;              ///< http://host:4318; "/v1/traces" is appended
    std::vector<std::string> headers;  ///< "Name: value"
    Resource resource;
  };
  using MakeTransfers = std::function<Result<std::unique_ptr<io::Transfers>>()>;

  Exporter(io::Loop& loop, io::Offload& offload, MakeTransfers make, Settings settings);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Framed spans, and how many their maker had to drop before.
  void take(const Source& source, std::string spans, std::uint64_t dropped = 0);
  /// Sends what is there, for at most `patience`; then calls `finished`.
  void finish(std::chrono::milliseconds patience, std::function<void()> finished);

  struct Counts {
    std::uint64_t exported = 0;  ///< spans that the collector has taken
    std::uint64_t dropped = 0;   ///< that it has not, and never will
    std::uint64_t failures = 0;  ///< requests that came to nothing
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Told {
    Source source;
    std::string spans;
  };
  struct Batch {
    std::string json;
    std::uint64_t count = 0;
  };

  void plan();
  void make_batch();
  void send();
  void answered(const Result<io::HttpAnswer, io::TransferFault>& result);
  void taken(const io::HttpAnswer& answer);
  void refused(const std::string& why);
  void try_again(const std::string& why, std::chrono::milliseconds at_least);
  void next();

  io::Loop& loop_;
  io::Offload& offload_;
  MakeTransfers make_;
  Settings settings_;
  std::unique_ptr<io::Transfers> transfers_;
  std::deque<Told> told_;
  std::size_t kept_ = 0;          ///< bytes, of told_
  std::shared_ptr<Batch> batch_;  ///< what is being sent; nullptr: nothing is
  io::TimerId timer_ = 0;
  std::chrono::milliseconds delay_{0};  ///< before the next try; 0: the last one has worked
  bool failing_ = false;                ///< and that was logged
  std::function<void()> finished_;
  Counts counts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// OTEL_EXPORTER_OTLP_HEADERS (W3C Baggage form: "name=value,name=value", percent-encoded values) as "Name: value"
/// lines. Error::invalid says what is wrong with it.
Result<std::vector<std::string>> read_headers(std::string_view text);

}  // namespace millrace::tracing
