#include "content.hpp"

namespace millrace::simulation {

Content content_of(const broker::Broker& broker) {
  Content all;
  for (const auto& queue : broker.queues()) {
    auto& ids = all[queue.name];
    const auto messages = broker.peek(queue.name, 0, 1'000'000);
    if (!messages) continue;
    for (const auto& message : *messages) ids.push_back(message->body.substr(0, message->body.find(' ')));
  }
  return all;
}

}  // namespace millrace::simulation
