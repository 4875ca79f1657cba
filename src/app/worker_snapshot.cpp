#include "app/worker_snapshot.hpp"

#include <memory>
#include <utility>

#include "amqp/properties.hpp"

namespace millrace::app {

void save_snapshot(broker::Queues& queues, broker::SessionId session, const flow::WorkerPlan& worker, std::string text,
                   std::function<void(Status)> kept) {
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  auto message = std::make_shared<broker::Message>();
  message->exchange = flow::names::exchange(worker.flow, worker.version);
  message->routing_key = flow::names::snapshot_key(worker.step);
  message->properties = amqp::encode_properties(properties);
  message->body = std::move(text);
  if (const auto taken = queues.commit(session, {{std::move(message)}, {}}, kept); !taken) {
    kept(Error{Error::Kind::unavailable, taken.error().text});
  }
}

}  // namespace millrace::app
