#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "io/loop.hpp"
#include "store/changes.hpp"
#include "store/store.hpp"

namespace millrace::cluster {

/// Sees what others that share the store have changed in it, and what this platform has changed itself, `interval`
/// later at most. A store that cannot be reached is asked again; nothing is missed. Thread: the loop's. Lifetime: loop
/// and store outlive it.
class ChangeWatch {
 public:
  /// Subjects as store::Changes has them.
  using Changed = std::function<void(const std::string& subject)>;

  ChangeWatch(io::Loop& loop, store::Store& store, std::chrono::milliseconds interval = std::chrono::seconds(1))
      : loop_(loop), store_(store), interval_(interval) {}
  ~ChangeWatch();
  ChangeWatch(const ChangeWatch&) = delete;
  ChangeWatch& operator=(const ChangeWatch&) = delete;

  /// What is changed from here on counts; before what there is is read.
  Status begin();
  /// From now on `changed` is told.
  void watch(Changed changed);

 private:
  void look();

  io::Loop& loop_;
  store::Store& store_;
  std::chrono::milliseconds interval_;
  Changed changed_;
  std::int64_t seen_ = 0;
  io::TimerId timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::cluster
