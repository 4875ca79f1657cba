#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "amqp/properties.hpp"
#include "broker/broker.hpp"
#include "io/posix/disk.hpp"
#include "io/posix/loop.hpp"

namespace millrace::tests {

/// A folder that is gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A broker in a folder of its own, and what tests do with one.
class DiskBroker {
 public:
  DiskBroker() : disk_(std::move(*io::posix::PosixDisk::open(folder_.path()))), offload_(loop) { open(); }

  /// The broker ends, and one begins with what is on disk.
  void reopen() {
    settle();
    broker_.reset();
    open();
  }

  broker::Broker& operator*() { return *broker_; }
  broker::Broker* operator->() { return broker_.get(); }

  /// Runs the loop until all that was committed before is durable and on its queues.
  void settle() {
    REQUIRE(broker_->commit(session, {}, [this](const Status& stored) {
      CHECK(stored);
      loop.stop();
    }));
    loop.run();
  }

  /// Runs the loop until the condition holds; it is looked at each millisecond.
  template <class Condition>
  void run_until(std::string_view what, Condition condition) {
    INFO(what);
    const auto deadline = loop.steady_now() + std::chrono::seconds(20);
    while (!condition()) {
      REQUIRE(loop.steady_now() < deadline);
      loop.after(std::chrono::milliseconds(1), [this] { loop.stop(); });
      loop.run();
    }
  }

  void publish(std::string exchange, std::string key, std::string body, amqp::FieldTable headers = {},
               std::optional<std::string> message_id = {}) {
    amqp::Properties properties;
    properties.delivery_mode = 2;
    properties.headers = std::move(headers);
    properties.message_id = std::move(message_id);
    auto message = std::make_shared<broker::Message>();
    *message = {std::move(exchange), std::move(key), amqp::encode_properties(properties), std::move(body)};
    REQUIRE(broker_->commit(session, {{std::move(message)}, {}}, nullptr));
    settle();
  }

  std::uint64_t ready(std::string_view queue) const {
    const auto status = broker_->queue(queue);
    return status ? status->ready : 0;
  }

  /// What lies on the queue, oldest first.
  std::vector<broker::MessagePtr> messages(std::string_view queue) const {
    auto found = broker_->peek(queue, 0, 1000);
    REQUIRE(found);
    return std::move(*found);
  }

  static amqp::FieldTable headers_of(const broker::MessagePtr& message) {
    auto properties = amqp::decode_properties(message->properties);
    REQUIRE(properties);
    return properties->headers.value_or(amqp::FieldTable());
  }

  io::posix::AsioLoop loop;
  broker::SessionId session;

 private:
  void open() {
    auto opened = broker::Broker::open(loop, *disk_, offload_, {});
    REQUIRE(opened);
    broker_ = std::move(*opened);
    session = broker_->begin_session();
  }

  TemporaryFolder folder_;
  std::unique_ptr<io::posix::PosixDisk> disk_;
  io::posix::ThreadOffload offload_;
  std::unique_ptr<broker::Broker> broker_;
};

}  // namespace millrace::tests
