#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "component/presence.hpp"
#include "flow/plan.hpp"
#include "io/loop.hpp"
#include "rabbitmq/queues.hpp"

namespace millrace::app {

/// What workers tell of themselves, where their connections are with RabbitMQ and not with the platform: who is there,
/// what it has in work, and what it has ended. Thread: the loop's, which outlives it.
class WorkerPresences {
 public:
  struct Hooks {
    std::function<void(const std::string& user)> here;    ///< for the first time, or again
    std::function<void(const std::string& user)> silent;  ///< has said nothing for `silence_max`
  };

  WorkerPresences(io::Loop& loop, std::chrono::milliseconds silence_max, Hooks hooks);
  ~WorkerPresences();
  WorkerPresences(const WorkerPresences&) = delete;
  WorkerPresences& operator=(const WorkerPresences&) = delete;

  void take(const std::string& user, const flow::WorkerPlan& worker, const component::Presence& presence);
  /// It has asked for its settings. One that says no more of itself in a few seconds is no worker of Millrace's, and
  /// taken to be here.
  void asked(const std::string& user, const flow::WorkerPlan& worker);
  /// It is replaced, or has ended: what it had in work counts no more, what it has ended stays counted.
  void forget(const std::string& user);

  /// Of all workers of a step's queue, or of its rebound queue, since the platform's start.
  rabbitmq::Queues::Work work(const std::string& queue) const;

 private:
  struct Worker {
    std::string queue;
    std::string rebounds;  ///< its step's rebound queue
    component::Presence presence = {};
    io::SteadyTime seen = {};
    bool here = false;
    bool tells = false;  ///< it has sent a presence
    bool silent = false;
  };

  Worker& known(const std::string& user, const flow::WorkerPlan& worker);
  /// Counts what it says now in the place of what it said last.
  void count(Worker& worker, const component::Presence& presence);
  void look_later();
  void look();

  io::Loop& loop_;
  const std::chrono::milliseconds silence_max_;
  Hooks hooks_;
  std::map<std::string, Worker> workers_;                   ///< by user
  std::map<std::string, rabbitmq::Queues::Work> by_queue_;  ///< looked up for each webhook call
  io::TimerId timer_ = 0;
};

}  // namespace millrace::app
