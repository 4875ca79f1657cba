#include "broker/queue/queue_rules.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace millrace::broker {
namespace {

/// Reads arguments by kind and keeps the first refusal.
class ArgumentReader {
 public:
  explicit ArgumentReader(const QueueSpec& spec) : spec_(spec) {}

  std::optional<std::uint64_t> count(std::string_view name) {
    if (spec_.arguments.find(name) == nullptr) return std::nullopt;
    const auto value = spec_.arguments.integer(name, -1);
    if (value < 0) refuse(name, "a whole number, 0 or more, is wanted");
    return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  }
  std::optional<std::uint64_t> time(std::string_view name) {
    const auto value = count(name);
    if (value && *value > delay_max_ms) refuse(name, "it is longer than ten years of milliseconds");
    return value;
  }
  std::optional<std::string> text(std::string_view name) {
    const auto* field = spec_.arguments.find(name);
    if (field == nullptr) return std::nullopt;
    if (!std::holds_alternative<std::string>(field->value)) refuse(name, "a text is wanted");
    return std::string(spec_.arguments.text(name));
  }
  std::string one_of(std::string_view name, std::initializer_list<std::string_view> choices) {
    const auto value = text(name).value_or(std::string(*choices.begin()));
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
      refuse(name, fmt::format("'{}' is none of {}", value, fmt::join(choices, ", ")));
    }
    return value;
  }
  bool flag(std::string_view name) {
    const auto* field = spec_.arguments.find(name);
    if (field != nullptr && !std::holds_alternative<bool>(field->value)) refuse(name, "true or false is wanted");
    return spec_.arguments.boolean(name);
  }
  void refuse(std::string_view name, std::string_view why) {
    if (refusal) return;
    refusal = Refusal{amqp::ReplyCode::precondition_failed,
                      fmt::format("invalid arg '{}' for queue '{}' in vhost '/': {}", name, spec_.name, why)};
  }

  std::optional<Refusal> refusal;

 private:
  const QueueSpec& spec_;
};

void read_limits(ArgumentReader& in, QueueRules& rules) {
  rules.length_max = in.count("x-max-length");
  rules.length_bytes_max = in.count("x-max-length-bytes");
  const auto overflow = in.one_of("x-overflow", {"drop-head", "reject-publish", "reject-publish-dlx"});
  rules.reject_publish = overflow.starts_with("reject-publish");
  rules.dead_letter_rejected = overflow == "reject-publish-dlx";
  rules.message_ttl = in.time("x-message-ttl");
  rules.unused_time_max = in.time("x-expires");
  if (rules.unused_time_max == 0u) in.refuse("x-expires", "more than 0 is wanted");
  const auto priority = in.count("x-max-priority").value_or(0);
  if (priority > 255) in.refuse("x-max-priority", "a number from 0 to 255 is wanted");
  rules.priority_max = static_cast<std::uint8_t>(priority);
}

void read_failure_rules(ArgumentReader& in, const QueueSpec& spec, QueueRules& rules) {
  rules.dead_letter_exchange = in.text("x-dead-letter-exchange");
  rules.dead_letter_key = in.text("x-dead-letter-routing-key");
  if (rules.dead_letter_key && !rules.dead_letter_exchange) {
    in.refuse("x-dead-letter-routing-key", "it is of no use without x-dead-letter-exchange");
  }
  const bool unlimited =
      spec.arguments.text("x-queue-type") == "quorum" && spec.arguments.integer("x-delivery-limit") == -1;
  if (const auto limit = unlimited ? std::nullopt : in.count("x-delivery-limit")) {
    rules.delivery_limit =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(*limit, std::numeric_limits<std::uint32_t>::max()));
  }
  rules.isolate_suspects = in.flag("x-millrace-isolate-suspects");
}

/// A quorum queue is what every durable queue here is; the type is taken at its word where RabbitMQ's differ.
void read_type(ArgumentReader& in, const QueueSpec& spec, QueueRules& rules) {
  const bool quorum = in.one_of("x-queue-type", {"classic", "quorum"}) == "quorum";
  rules.counts_returns = quorum || (rules.delivery_limit && !rules.isolate_suspects);
  (void)in.one_of("x-queue-mode", {"default", "lazy"});  // every backlog is on disk
  if (!quorum) return;
  for (const auto* name : {"x-max-priority", "x-queue-mode"}) {
    if (spec.arguments.find(name) != nullptr) in.refuse(name, "quorum queues do not have it");
  }
}

/// The order is that of the messages' numbers, and what returns is found again in the log.
void read_order(ArgumentReader& in, const QueueSpec& spec, QueueRules& rules) {
  rules.ordered = in.flag("x-millrace-ordered");
  if (!rules.ordered) return;
  if (!spec.durable || spec.exclusive) in.refuse("x-millrace-ordered", "only a durable queue that is shared has it");
  for (const auto* name : {"x-max-priority", "x-message-ttl", "x-max-length", "x-max-length-bytes"}) {
    if (spec.arguments.find(name) != nullptr) in.refuse(name, "ordered queues do not have it");
  }
}

}  // namespace

Answer<QueueRules> QueueRules::read(const QueueSpec& spec) {
  ArgumentReader in(spec);
  QueueRules rules;
  read_limits(in, rules);
  read_failure_rules(in, spec, rules);
  read_type(in, spec, rules);
  read_order(in, spec, rules);
  rules.single_active_consumer = in.flag("x-single-active-consumer");
  rules.dedup_window = in.time("x-millrace-dedup-window").value_or(0);
  rules.dedup_max = in.count("x-millrace-dedup-max").value_or(rules.dedup_max);
  if (in.refusal) return *in.refusal;
  return rules;
}

}  // namespace millrace::broker
