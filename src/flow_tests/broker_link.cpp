#include "flow_tests/broker_link.hpp"

#include "amqp/properties.hpp"

namespace millrace::flow_tests {
using amqp::client::Commit;
using amqp::client::Delivery;

BrokerLink::BrokerLink(io::Loop& loop, broker::Broker& broker, const std::string& queue, std::uint16_t prefetch,
                       std::size_t& open_commits, Handlers handlers)
    : loop_(loop),
      broker_(broker),
      session_(broker.begin_session()),
      prefetch_(prefetch),
      open_commits_(open_commits),
      handlers_(std::move(handlers)) {
  const auto consuming = broker.consume(session_, queue, {}, *this, consumer_);
  if (consuming) {
    post([this] { handlers_.ready(); });
  } else {
    post([this, why = consuming.error().text] { handlers_.lost(Error{Error::Kind::conflict, why}); });
  }
}

void BrokerLink::post(std::function<void()> task) {
  loop_.post([alive = std::weak_ptr<int>(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void BrokerLink::deliver(broker::Delivery delivery) {
  const auto tag = ++last_tag_;
  out_.emplace(tag, delivery.id);
  const auto& message = *delivery.message;
  auto properties = message.properties;
  if (delivery.place != 0)
    properties = amqp::with_header(properties, "x-millrace-place", static_cast<std::int64_t>(delivery.place));
  handlers_.delivered(
      {tag, delivery.redelivered, message.exchange, message.routing_key, std::move(properties), message.body});
}

void BrokerLink::cancelled(broker::ConsumerId) {
  post([this] { handlers_.lost(Error{Error::Kind::conflict, "the queue was deleted"}); });
}

void BrokerLink::commit(Commit commit, std::function<void(Status)> done) {
  broker::Batch batch;
  for (auto& outgoing : commit.publishes) {
    auto message = std::make_shared<broker::Message>();
    message->exchange = std::move(outgoing.exchange);
    message->routing_key = std::move(outgoing.routing_key);
    message->properties = std::move(outgoing.properties);
    message->body = std::move(outgoing.body);
    batch.publishes.push_back(std::move(message));
  }
  const auto settle = [&](const std::vector<std::uint64_t>& tags, broker::Settle how) {
    for (const auto tag : tags) {
      const auto found = out_.find(tag);
      if (found == out_.end()) continue;
      batch.settlements.push_back({found->second, how});
      out_.erase(found);
    }
  };
  settle(commit.acks, broker::Settle::ack);
  settle(commit.returns, broker::Settle::requeue);
  ++open_commits_;
  const auto durable = [this, alive = std::weak_ptr<int>(alive_), done](const Status& status) {
    if (alive.expired()) return;
    --open_commits_;
    done(status);
  };
  const auto answer = broker_.commit(session_, std::move(batch), durable);
  if (!answer) {
    --open_commits_;
    post([done, why = answer.error().text] { done(Error{Error::Kind::conflict, why}); });
    return;
  }
  broker_.resume(consumer_);
}

void BrokerLink::stop_consuming() {
  stopped_ = true;
  broker_.cancel(consumer_);
}

void BrokerLink::close(std::function<void()> closed) {
  stopped_ = true;
  broker_.end_session(session_, broker::SessionEnd::clean);
  out_.clear();
  post(std::move(closed));
}

}  // namespace millrace::flow_tests
