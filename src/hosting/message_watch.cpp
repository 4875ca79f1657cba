#include "hosting/message_watch.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::hosting {
namespace {

constexpr std::string_view variable = "MILLRACE_MESSAGE_TIMEOUT";
constexpr std::chrono::seconds usual{600};
constexpr std::chrono::seconds worth_a_word{60};
constexpr std::chrono::seconds interval{1};

}  // namespace

Result<std::chrono::seconds> MessageWatch::silence_max(const component::Program& program) {
  for (const auto& [name, value] : program.environment) {
    if (name != variable) continue;
    std::uint32_t seconds = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (failed == std::errc() && end == value.data() + value.size()) return std::chrono::seconds(seconds);
    return Error{Error::Kind::invalid,
                 fmt::format("{} of the component must be a number of seconds, and is \"{}\"", variable, value)};
  }
  return usual;
}

MessageWatch::MessageWatch(io::Loop& loop, std::chrono::seconds silence_max, Late late)
    : loop_(loop), silence_max_(silence_max), late_(std::move(late)) {}

MessageWatch::~MessageWatch() {
  loop_.cancel(timer_);
}

void MessageWatch::heard(const std::string& message) {
  silences_.insert_or_assign(message, Silence{loop_.steady_now()});
  if (timer_ == 0) timer_ = loop_.after(interval, [this] { look(); });
}

void MessageWatch::over(const std::string& message) {
  silences_.erase(message);
}

void MessageWatch::look() {
  timer_ = 0;
  const auto now = loop_.steady_now();
  for (auto& [message, silence] : silences_) {
    const auto lasted = now - silence.since;
    if (silence_max_.count() > 0 && lasted >= silence_max_) {
      return late_(fmt::format("the component has not ended message {}, nor emitted anything for it, within {} s",
                               message, silence_max_.count()));
    }
    if (lasted < worth_a_word || std::exchange(silence.told, true)) continue;
    log::warning("the component has had a message for a minute without a sign", {{"message", message}});
  }
  if (!silences_.empty()) timer_ = loop_.after(interval, [this] { look(); });
}

}  // namespace millrace::hosting
