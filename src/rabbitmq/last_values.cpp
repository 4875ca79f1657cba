#include "rabbitmq/last_values.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "amqp/wire.hpp"
#include "core/log.hpp"
#include "store/last_values.hpp"
#include "store/members.hpp"

namespace millrace::rabbitmq {
namespace {

/// Messages one after another, each as four long strings (AMQP 0-9-1 §4.2.5.3).
std::string packed(const std::vector<broker::MessagePtr>& messages) {
  std::string bytes;
  for (const auto& message : messages) {
    for (const auto* part : {&message->exchange, &message->routing_key, &message->properties, &message->body}) {
      amqp::write_long_string(bytes, *part);
    }
  }
  return bytes;
}

std::string long_string(amqp::Reader& in) {
  return std::string(in.bytes(in.number<std::uint32_t>()));
}

std::vector<broker::MessagePtr> unpacked(std::string_view bytes) {
  std::vector<broker::MessagePtr> messages;
  amqp::Reader in(bytes);
  while (!in.at_end()) {
    auto message = std::make_shared<broker::Message>();
    message->exchange = long_string(in);
    message->routing_key = long_string(in);
    message->properties = long_string(in);
    message->body = long_string(in);
    if (!in.ok()) break;
    messages.push_back(std::move(message));
  }
  return messages;
}

broker::MessagePtr message_of(store::LastValue& value) {
  auto message = std::make_shared<broker::Message>();
  message->exchange = std::move(value.exchange);
  message->routing_key = std::move(value.routing_key);
  message->properties = std::move(value.properties);
  message->body = std::move(value.body);
  return message;
}

}  // namespace

void LastValues::find(const std::string& queue, std::function<void(Result<Found>)> found) const {
  using Row = std::optional<store::LastValue>;
  store_.run<Row>([queue](store::Database& database) { return store::LastValues(database).find(queue); },
                  [found = std::move(found)](Result<Row> row) {
                    if (!row) return found(row.error());
                    if (!*row) return found(Found{});
                    auto pending = unpacked((*row)->pending);
                    const auto revision = (*row)->revision;
                    found(Found{message_of(**row), std::move(pending), revision});
                  });
}

void LastValues::put(const std::string& queue, const broker::MessagePtr& value,
                     const std::vector<broker::MessagePtr>& pending, const std::optional<Fence>& fence,
                     std::function<void(Result<std::int64_t>)> kept) {
  store::LastValue row{queue, value->exchange, value->routing_key, value->properties, value->body, packed(pending), 0};
  store_.run<std::int64_t>(
      [row = std::move(row), fence](store::Database& database) -> Result<std::int64_t> {
        if (fence) {
          const auto holds = store::Members(database).is_turn(fence->lease, fence->epoch);
          if (!holds) return holds.error();
          if (!*holds) return Error{Error::Kind::conflict, "another platform does this by now"};
        }
        return store::LastValues(database).put(row);
      },
      std::move(kept));
}

void LastValues::published(const std::string& queue, std::int64_t revision) {
  store_.run<Done>(
      [queue, revision](store::Database& database) { return store::LastValues(database).published(queue, revision); },
      [queue](const Status& done) {
        if (done) return;
        log::warning("what was published may be published once more after a restart: the store does not learn of it",
                     {{"queue", queue}, {"reason", done.error().message}});
      });
}

void LastValues::remove(const std::string& queue, std::function<void(Status)> removed) {
  store_.run<Done>([queue](store::Database& database) { return store::LastValues(database).remove(queue); },
                   [removed = std::move(removed)](const Status& done) {
                     if (removed) removed(done);
                   });
}

}  // namespace millrace::rabbitmq
