#include "api/dead_letters.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "component/message.hpp"
#include "flow/plan.hpp"

namespace millrace::api {
namespace {

namespace names = flow::names;

}  // namespace

std::string DeadLetters::Place::to_text() const {
  return fmt::format("{}.{}", number, flow);
}

std::optional<DeadLetters::Place> DeadLetters::Place::parse(std::string_view text) {
  Place place;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), place.number);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (failed != std::errc() || used >= text.size() || text[used] != '.') return std::nullopt;
  place.flow = text.substr(used + 1);
  return place;
}

std::optional<std::int64_t> DeadLetters::newest_version(const broker::Queues& broker, const std::string& flow,
                                                        const std::string& step) {
  std::optional<std::int64_t> newest;
  const auto prefix = flow + "@";
  for (const auto& queue : broker.queues()) {
    const std::string_view name = queue.name;
    if (!name.starts_with(prefix)) continue;
    const auto version = names::version_of_exchange("flow." + std::string(name.substr(0, name.find('.'))));
    if (!version || name != names::step_queue(flow, *version, step)) continue;
    newest = std::max(*version, newest.value_or(0));
  }
  return newest;
}

std::optional<std::int64_t> DeadLetters::StepVersions::newest(const store::DeadLetterFacts& letter) {
  const auto [version, added] = known_.try_emplace({letter.flow, letter.step});
  if (added) version->second = newest_version(broker_, letter.flow, letter.step);
  return version->second;
}

Result<broker::MessagePtr> DeadLetters::retried_message(const broker::Queues& broker, const broker::Message& dead,
                                                        const DeadLetter& letter, const Retry& how) {
  const auto version = how.version ? how.version : newest_version(broker, letter.flow, letter.step);
  if (!version || !broker.queue(names::step_queue(letter.flow, *version, letter.step))) {
    return Error{Error::Kind::not_found, letter.no_step()};
  }
  auto message = fresh_message(dead, letter, *version);
  if (how.body) {
    auto read = component::Message::parse(message->body);
    if (!read) return read.error().in("the message that shall get another body");
    message->body = read->with_body(*how.body).take_envelope();
  }
  return broker::MessagePtr(std::move(message));
}

Error DeadLetters::gone(const DeadLetter& letter) {
  return {Error::Kind::not_found, fmt::format("there is no dead letter {}", letter.id)};
}

}  // namespace millrace::api
