#include "amqp/client/isolation.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "amqp/properties.hpp"

namespace millrace::amqp::client {
namespace {

using Texts = std::vector<std::string>;

struct Queue {
  Texts done;
  Isolation isolation{
      50,
      {[this](std::uint16_t prefetch) { done.push_back("consume " + std::to_string(prefetch)); },
       [this] { done.emplace_back("cancel"); }, [this](const Delivery& delivery) { done.push_back(delivery.body); }}};

  Queue() { isolation.begin(); }
  void send(const std::string& body, std::int64_t came_back = 0) {
    Delivery delivery;
    delivery.body = body;
    delivery.redelivered = came_back > 0;
    Properties properties;
    properties.headers.emplace();
    if (came_back > 0) properties.headers->set("x-delivery-count", came_back);
    delivery.properties = encode_properties(properties);
    isolation.delivered(std::move(delivery));
  }
  Texts taken() { return std::exchange(done, {}); }
};

TEST_CASE("a worker gets one message ahead at first, and many once that one has not come back twice") {
  Queue queue;
  CHECK(queue.taken() == Texts{"consume 1"});
  queue.send("a", 1);
  CHECK(queue.taken() == Texts{"cancel", "a"});
  queue.isolation.cancelled();
  CHECK(queue.taken() == Texts{"consume 50"});
  queue.isolation.settled(1);
  queue.send("b");
  CHECK(queue.taken() == Texts{"b"});
}

TEST_CASE("after a crash suspects come one by one, each alone, until one is none") {
  Queue queue;
  queue.taken();
  queue.send("x", 2);
  queue.isolation.settled(1);
  queue.send("y", 3);
  queue.isolation.settled(1);
  CHECK(queue.taken() == Texts{"x", "y"});
  queue.send("a");
  CHECK(queue.taken() == Texts{"cancel", "a"});
}

TEST_CASE("a suspect among others waits until they are through, and nothing comes meanwhile") {
  Queue queue;
  queue.send("a");
  queue.isolation.cancelled();
  queue.taken();
  queue.send("x", 2);
  CHECK(queue.taken() == Texts{"cancel"});
  queue.send("b");  // was on its way
  queue.send("y", 2);
  CHECK(queue.taken() == Texts{"b"});
  queue.isolation.cancelled();
  queue.isolation.settled(1);
  CHECK(queue.taken().empty());
  queue.isolation.settled(1);
  CHECK(queue.taken() == Texts{"x"});
  queue.isolation.settled(1);
  CHECK(queue.taken() == Texts{"y"});
  queue.isolation.settled(1);
  CHECK(queue.taken() == Texts{"consume 1"});
}

TEST_CASE("a suspect that comes while more is about to be asked for is taken alone, too") {
  Queue queue;
  queue.send("a");
  queue.send("x", 2);
  queue.isolation.cancelled();
  CHECK(queue.taken() == Texts{"consume 1", "cancel", "a"});
  queue.isolation.settled(1);
  CHECK(queue.taken() == Texts{"x"});
}

TEST_CASE("once it is stopped nothing more is asked for or handed on") {
  Queue queue;
  queue.send("a");
  queue.isolation.cancelled();
  queue.send("x", 2);
  queue.isolation.stop();
  queue.isolation.cancelled();
  queue.taken();
  queue.isolation.settled(1);
  CHECK(queue.taken().empty());
}

}  // namespace
}  // namespace millrace::amqp::client
