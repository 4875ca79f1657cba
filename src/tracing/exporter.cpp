#include "tracing/exporter.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "core/log.hpp"
#include "core/percent_decoding.hpp"
#include "history/record.hpp"

namespace millrace::tracing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds request_patience{10};  // as the specification has it (OTEL_EXPORTER_OTLP_TIMEOUT)
constexpr seconds retry_delay_first{1};
constexpr seconds retry_after_max{300};

bool is_passing(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

milliseconds retry_after(const io::HttpAnswer& answer) {
  const auto text = answer.header("retry-after");
  unsigned count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failed != std::errc() || end != text.data() + text.size()) return milliseconds(0);
  return std::min<milliseconds>(seconds(count), retry_after_max);
}

/// Of an answer in JSON: {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "why"}}.
std::pair<std::uint64_t, std::string> rejected(const std::string& body) {
  boost::system::error_code failed;
  const auto answer = boost::json::parse(body, failed);
  const auto* all = failed ? nullptr : answer.if_object();
  const auto* partial = all == nullptr ? nullptr : all->if_contains("partialSuccess");
  if (partial == nullptr || !partial->is_object()) return {};
  std::uint64_t count = 0;
  if (const auto* spans = partial->get_object().if_contains("rejectedSpans")) {
    if (const auto* text = spans->if_string()) std::from_chars(text->data(), text->data() + text->size(), count);
    if (spans->is_number()) count = spans->to_number<std::uint64_t>(failed);
  }
  const auto* why = partial->get_object().if_contains("errorMessage");
  return {count, why != nullptr && why->is_string() ? std::string(why->get_string()) : std::string()};
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Result<std::vector<std::string>> read_headers(std::string_view text) {
  std::vector<std::string> lines;
  while (!trimmed(text).empty()) {
    const auto entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    if (trimmed(entry).empty()) continue;
    const auto equals = entry.find('=');
    const auto name = trimmed(entry.substr(0, equals));
    if (equals == std::string_view::npos || name.empty() || name.find_first_of(": \t") != std::string_view::npos) {
      return Error{Error::Kind::invalid, "must be a list like \"name=value,name=value\""};
    }
    const auto value = percent_decoded(trimmed(entry.substr(equals + 1)));
    if ((std::string(name) + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return Error{Error::Kind::invalid, fmt::format("must not hold a line break, as the value of {} does", name)};
    }
    lines.push_back(fmt::format("{}: {}", name, value));
  }
  return lines;
}

Exporter::Exporter(io::Loop& loop, io::Offload& offload, MakeTransfers make, Settings settings)
    : loop_(loop), offload_(offload), make_(std::move(make)), settings_(std::move(settings)) {
  while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
}

Exporter::~Exporter() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void Exporter::take(const Source& source, std::string spans, std::uint64_t dropped) {
  counts_.dropped += dropped;
  if (spans.empty()) return;
  if (kept_ + spans.size() > kept_max) {
    counts_.dropped += history::count_records(spans);
    return;
  }
  kept_ += spans.size();
  if (!told_.empty() && told_.back().source == source && told_.back().spans.size() < batch_size) {
    told_.back().spans += spans;
  } else {
    told_.push_back({source, std::move(spans)});
  }
  plan();
}

void Exporter::plan() {
  if (batch_ || told_.empty()) return;
  if (kept_ >= batch_size || finished_) return make_batch();
  if (timer_ != 0) return;
  timer_ = loop_.after(interval, [this] {
    timer_ = 0;
    make_batch();
  });
}

void Exporter::make_batch() {
  loop_.cancel(std::exchange(timer_, 0));
  auto chosen = std::make_shared<std::vector<Told>>();
  for (std::size_t size = 0; !told_.empty() && size < batch_size; told_.pop_front()) {
    size += told_.front().spans.size();
    kept_ -= told_.front().spans.size();
    chosen->push_back(std::move(told_.front()));
  }
  batch_ = std::make_shared<Batch>();
  offload_.run(
      [chosen, batch = batch_, resource = settings_.resource] {
        OtlpRequest request(resource);
        for (const auto& told : *chosen) request.add(told.source, told.spans);
        batch->count = request.count();
        batch->json = std::move(request).json();
        chosen->clear();
      },
      [this, alive = alive_] {
        if (*alive) send();
      });
}

void Exporter::send() {
  if (!transfers_) {
    auto made = make_();
    if (!made) return refused(made.error().message);
    transfers_ = std::move(*made);
  }
  io::HttpCall call;
  call.method = "POST";
  call.url = settings_.endpoint + "/v1/traces";
  call.headers = settings_.headers;
  call.headers.emplace_back("Content-Type: application/json");
  call.body = batch_->json;
  call.timeout = request_patience;
  transfers_->http(std::move(call),
                   [this](const Result<io::HttpAnswer, io::TransferFault>& result) { answered(result); });
}

void Exporter::answered(const Result<io::HttpAnswer, io::TransferFault>& result) {
  if (!result) return try_again(result.error().message, milliseconds(0));
  if (result->status >= 200 && result->status < 300) return taken(*result);
  const auto why = fmt::format("it answered {}", result->status);
  is_passing(result->status) ? try_again(why, retry_after(*result)) : refused(why);
}

void Exporter::taken(const io::HttpAnswer& answer) {
  if (std::exchange(failing_, false)) log::info("traces reach the collector again", {{"endpoint", settings_.endpoint}});
  const auto [count, why] = rejected(answer.body);
  const auto lost = std::min(count, batch_->count);
  counts_.exported += batch_->count - lost;
  counts_.dropped += lost;
  if (lost > 0) log::warning("the collector has rejected spans", {{"spans", std::to_string(lost)}, {"reason", why}});
  next();
}

void Exporter::refused(const std::string& why) {
  ++counts_.failures;
  counts_.dropped += batch_->count;
  if (!std::exchange(failing_, true)) {
    log::warning("traces are not taken by the collector", {{"endpoint", settings_.endpoint}, {"reason", why}});
  }
  next();
}

void Exporter::try_again(const std::string& why, milliseconds at_least) {
  ++counts_.failures;
  if (!std::exchange(failing_, true)) {
    log::warning("traces do not reach the collector", {{"endpoint", settings_.endpoint}, {"reason", why}});
  }
  delay_ = delay_.count() == 0 ? milliseconds(retry_delay_first) : std::min<milliseconds>(delay_ * 2, retry_delay_max);
  timer_ = loop_.after(std::max(delay_, at_least), [this] {
    timer_ = 0;
    send();
  });
}

void Exporter::next() {
  delay_ = milliseconds(0);
  batch_ = nullptr;
  plan();
  if (!batch_ && finished_) std::exchange(finished_, nullptr)();
}

void Exporter::finish(milliseconds patience, std::function<void()> finished) {
  if (!batch_ && told_.empty()) return finished();
  finished_ = std::move(finished);
  loop_.after(patience, [this, alive = alive_] {
    if (*alive && finished_) std::exchange(finished_, nullptr)();
  });
  plan();
}

}  // namespace millrace::tracing
