#include "component/target_health.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "component/utf8.hpp"

namespace millrace::component {
namespace {

constexpr std::size_t reason_max = 300;
constexpr std::chrono::seconds lately{60};
constexpr std::chrono::seconds quiet_interval{1};

}  // namespace

void TargetHealth::passed(io::SteadyTime now) {
  ++ok_;
  passed_at_ = now;
  failing_.clear();
}

void TargetHealth::failed(const std::string& message_id, const Outcome& outcome) {
  if (!seems_down()) failing_.insert(message_id);
  auto reason = outcome.failure.code + ": " + outcome.failure.message;
  reason.resize(utf8::head(reason, reason_max).size());
  failed_.push_back({message_id, std::move(reason), outcome.retry_after, false});
}

void TargetHealth::gave_up(const std::string& message_id) {
  failing_.erase(message_id);
  failed_.back().dead = true;
}

bool TargetHealth::counts(const Outcome& outcome, bool probe, io::SteadyTime now) const {
  if (probe || seems_down()) return false;
  return !(outcome.retry_after && passed_at_ && now - *passed_at_ < lately);
}

std::optional<std::string> TargetHealth::take_report(io::SteadyTime now, bool probed) {
  const bool urgent = !failed_.empty() || probed || failed_before_;
  const bool due = !told_at_ || now - *told_at_ >= quiet_interval;
  if (failed_.empty() && (ok_ == 0 || !(urgent || due))) return std::nullopt;
  boost::json::array failed;
  for (const auto& it : failed_) {
    boost::json::object entry{{"id", it.id}, {"reason", it.reason}};
    if (it.retry_after) entry["retry_after_ms"] = it.retry_after->count();
    if (it.dead) entry["dead"] = true;
    failed.push_back(std::move(entry));
  }
  told_at_ = now;
  failed_before_ = !failed_.empty();
  failed_.clear();
  return boost::json::serialize(boost::json::object{{"ok", std::exchange(ok_, 0)}, {"failed", std::move(failed)}});
}

}  // namespace millrace::component
