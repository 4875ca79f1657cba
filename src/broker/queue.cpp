#include "broker/queue.hpp"

#include <limits>

namespace millrace::broker {
namespace {

class ArgumentReader {
 public:
  explicit ArgumentReader(const amqp::FieldTable& arguments) : arguments_(arguments) {}

  std::optional<std::uint64_t> count(std::string_view name) {
    if (arguments_.find(name) == nullptr) return std::nullopt;
    const auto value = arguments_.integer(name, -1);
    if (value < 0) refuse(name, "a whole number, 0 or more, is wanted");
    return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  }
  std::optional<std::string> text(std::string_view name) {
    const auto* field = arguments_.find(name);
    if (field == nullptr) return std::nullopt;
    if (!std::holds_alternative<std::string>(field->value)) refuse(name, "a text is wanted");
    return std::string(arguments_.text(name));
  }
  void refuse(std::string_view name, std::string_view wanted) {
    if (refusal) return;
    refusal = Refusal{amqp::ReplyCode::precondition_failed,
                      "invalid arg '" + std::string(name) + "': " + std::string(wanted)};
  }

  std::optional<Refusal> refusal;

 private:
  const amqp::FieldTable& arguments_;
};

}  // namespace

Answer<QueueRules> QueueRules::read(const amqp::FieldTable& arguments) {
  ArgumentReader in(arguments);
  QueueRules rules;
  rules.message_ttl = in.count("x-message-ttl");
  rules.length_max = in.count("x-max-length");
  rules.length_bytes_max = in.count("x-max-length-bytes");
  rules.dead_letter_exchange = in.text("x-dead-letter-exchange");
  rules.dead_letter_key = in.text("x-dead-letter-routing-key");
  if (const auto limit = in.count("x-delivery-limit")) {
    rules.delivery_limit =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(*limit, std::numeric_limits<std::uint32_t>::max()));
  }
  rules.isolate_suspects = arguments.boolean("x-millrace-isolate-suspects");
  rules.single_active_consumer = arguments.boolean("x-single-active-consumer");
  rules.dedup_window = in.count("x-millrace-dedup-window").value_or(0);
  rules.dedup_max = in.count("x-millrace-dedup-max").value_or(rules.dedup_max);
  const auto overflow = in.text("x-overflow").value_or("drop-head");
  if (overflow != "drop-head" && overflow != "reject-publish" && overflow != "reject-publish-dlx") {
    in.refuse("x-overflow", "drop-head, reject-publish or reject-publish-dlx is wanted");
  }
  rules.reject_publish = overflow.starts_with("reject-publish");
  rules.dead_letter_rejected = overflow == "reject-publish-dlx";
  if (rules.dead_letter_key && !rules.dead_letter_exchange) {
    in.refuse("x-dead-letter-routing-key", "it is of no use without x-dead-letter-exchange");
  }
  const auto priority = in.count("x-max-priority").value_or(0);
  if (priority > 255) in.refuse("x-max-priority", "a number from 0 to 255 is wanted");
  rules.priority_max = static_cast<std::uint8_t>(priority);
  rules.unused_time_max = in.count("x-expires");
  if (rules.unused_time_max == 0u) in.refuse("x-expires", "more than 0 is wanted");
  const auto type = in.text("x-queue-type").value_or("classic");
  if (type != "classic" && type != "quorum") {
    in.refuse("x-queue-type", "classic or quorum is wanted; this broker has no " + type + " queues");
  }
  if (in.refusal) return *in.refusal;
  return rules;
}

Queue::Queue(std::uint32_t the_id, QueueSpec the_spec, QueueRules the_rules, SessionId the_owner)
    : id(the_id),
      spec(std::move(the_spec)),
      rules(std::move(the_rules)),
      owner(the_owner),
      logged(spec.durable && !spec.exclusive),
      window(rules.dedup_window, rules.dedup_max) {}

void Queue::put(Entry entry) {
  ready_bytes += entry.size;
  const auto number = entry.number;
  if (rules.priority_max > 0) by_priority_[entry.priority].insert(number);
  ready.insert_or_assign(ready.end(), number, std::move(entry));
}

Entry Queue::take(std::map<std::uint64_t, Entry>::iterator entry) {
  Entry taken = std::move(entry->second);
  ready_bytes -= taken.size;
  if (rules.priority_max > 0) {
    const auto group = by_priority_.find(taken.priority);
    group->second.erase(taken.number);
    if (group->second.empty()) by_priority_.erase(group);
  }
  ready.erase(entry);
  return taken;
}

std::map<std::uint64_t, Entry>::iterator Queue::next() {
  if (by_priority_.empty()) return ready.begin();
  return ready.find(*by_priority_.rbegin()->second.begin());
}

std::map<std::uint64_t, Entry>::iterator Queue::first_to_drop() {
  if (by_priority_.empty()) return ready.begin();
  return ready.find(*by_priority_.begin()->second.begin());
}

bool Queue::full(std::uint64_t added_bytes) const {
  if (rules.length_max && ready.size() + arriving + 1 > *rules.length_max) return true;
  return rules.length_bytes_max && ready_bytes + arriving_bytes + added_bytes > *rules.length_bytes_max;
}

QueueStatus Queue::status() const {
  QueueStatus status;
  status.name = spec.name;
  status.ready = ready.size();
  status.unsettled = out.size();
  status.consumers = static_cast<std::uint32_t>(consumers.size());
  status.published_total = published_total;
  status.settled_total = settled_total;
  return status;
}

}  // namespace millrace::broker
