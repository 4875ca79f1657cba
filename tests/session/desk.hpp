#pragma once

#include <deque>
#include <map>

#include "amqp/frame.hpp"
#include "amqp/properties.hpp"
#include "broker/session/session.hpp"

namespace millrace::broker {

/// Time and turns by hand.
class HandLoop final : public io::Loop {
 public:
  io::WallTime wall_now() const override { return io::WallTime(std::chrono::seconds(1700000000)); }
  io::SteadyTime steady_now() const override { return now_; }
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  io::TimerId after(std::chrono::nanoseconds delay, std::function<void()> task) override {
    timers_.emplace(std::pair(now_ + delay, ++last_id_), std::move(task));
    return last_id_;
  }
  void cancel(io::TimerId id) override {
    std::erase_if(timers_, [&](const auto& timer) { return timer.first.second == id; });
  }

  void run() {
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  void pass(std::chrono::nanoseconds time) {
    const io::SteadyTime until = now_ + time;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      auto timer = timers_.extract(timers_.begin());
      now_ = timer.key().first;
      timer.mapped()();
      run();
    }
    now_ = until;
  }

 private:
  io::SteadyTime now_{};
  io::TimerId last_id_ = 0;
  std::deque<std::function<void()>> tasks_;
  std::map<std::pair<io::SteadyTime, io::TimerId>, std::function<void()>> timers_;
};

/// What is durable when: at once, or when the test says so.
class HandOffload final : public io::Offload {
 public:
  explicit HandOffload(io::Loop& loop) : loop_(loop) {}
  void run(std::function<void()> work, std::function<void()> then) override {
    work();
    if (held) {
      waiting_.push_back(std::move(then));
    } else {
      loop_.post(std::move(then));
    }
  }
  void release() {
    held = false;
    for (auto& then : std::exchange(waiting_, {})) loop_.post(std::move(then));
  }
  bool held = false;

 private:
  io::Loop& loop_;
  std::vector<std::function<void()>> waiting_;
};

/// A disk of which only its free space is asked.
class FullOrNotDisk final : public io::Disk {
 public:
  Result<std::unique_ptr<io::File>> open(std::string_view, Open) override { return none(); }
  Result<std::vector<std::string>> list() const override { return none(); }
  Status remove(std::string_view) override { return none(); }
  Status rename(std::string_view, std::string_view) override { return none(); }
  Status sync_folder() override { return none(); }
  Result<std::uint64_t> free_space() const override { return std::uint64_t{full ? 0u : 1u << 30}; }
  bool full = false;

 private:
  static Error none() { return Error{Error::Kind::unsupported, "no files here"}; }
};

/// One frame as a test looks at it.
struct Seen {
  std::string name;  ///< of the method, or "header", "body", "heartbeat"
  std::uint16_t channel = 0;
  std::string payload;  ///< after the method's id

  template <class Method>
  Method as() const {
    amqp::Reader in(payload);
    Method method = Method::read(in);
    MILLRACE_CHECK(in.ok() && name == amqp::name(Method::id), name.c_str());
    return method;
  }
};

std::vector<Seen> frames_in(std::string_view bytes);

/// The broker and its world, shared by the clients of a test.
struct World {
  HandLoop loop;
  HandOffload offload{loop};
  FullOrNotDisk disk;
  Users users;
  std::unique_ptr<Broker> broker;
  World();
};

/// A client with a session: sends frames, sees frames.
class Client final : public SessionHost {
 public:
  explicit Client(World& world, SessionSettings settings = {});

  /// Greets, logs in and opens channel 1, and forgets what came for it.
  void log_in(std::uint16_t frame_max = 4096, std::string_view password = "guest");

  template <class Method>
  Client& send(std::uint16_t channel, const Method& method) {
    std::string bytes;
    amqp::write_method(bytes, channel, method);
    return send_bytes(bytes);
  }
  Client& send_bytes(std::string_view bytes);
  Client& publish(std::string_view exchange, std::string_view key, std::string_view body, bool mandatory = false,
                  std::uint16_t channel = 1);
  /// What has come since the last call.
  std::vector<Seen> seen();
  std::vector<std::string> names();
  /// The only frame that has come, as this method.
  template <class Method>
  Method only() {
    last_ = seen();
    MILLRACE_CHECK(last_.size() == 1, last_.empty() ? "nothing came" : last_.back().name.c_str());
    return last_[0].as<Method>();
  }

  void output_waiting() override {}
  void input_resumed() override { ++resumed; }
  void over() override { ++overs; }

  World& world;
  Session session;
  int resumed = 0;
  int overs = 0;

 private:
  std::vector<Seen> last_;
};

}  // namespace millrace::broker
