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
    if (value < 0 && !refusal) {
      refusal = Refusal{amqp::ReplyCode::precondition_failed,
                        "invalid arg '" + std::string(name) + "': a whole number, 0 or more, is wanted"};
    }
    return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  }
  std::optional<std::string> text(std::string_view name) {
    if (arguments_.find(name) == nullptr) return std::nullopt;
    return std::string(arguments_.text(name));
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
  if (overflow != "drop-head" && overflow != "reject-publish") {
    return Refusal{amqp::ReplyCode::precondition_failed,
                   "invalid arg 'x-overflow': drop-head or reject-publish is wanted"};
  }
  rules.reject_publish = overflow == "reject-publish";
  for (const auto* name : {"x-max-priority", "x-expires"}) {
    if (arguments.find(name) != nullptr) {
      return Refusal{amqp::ReplyCode::not_implemented, std::string(name) + " is not offered by this broker"};
    }
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
  ready.insert_or_assign(ready.end(), number, std::move(entry));
}

Entry Queue::take(std::map<std::uint64_t, Entry>::iterator entry) {
  Entry taken = std::move(entry->second);
  ready_bytes -= taken.size;
  ready.erase(entry);
  return taken;
}

bool Queue::full(std::uint64_t added_bytes) const {
  if (rules.length_max && ready.size() + 1 > *rules.length_max) return true;
  return rules.length_bytes_max && ready_bytes + added_bytes > *rules.length_bytes_max;
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
