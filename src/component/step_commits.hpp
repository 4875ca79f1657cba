#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "amqp/client/link.hpp"
#include "component/presence.hpp"
#include "io/loop.hpp"

namespace millrace::component {

/// What a step's messages have come to, from when it is gathered until it has taken effect. One commit is under way at
/// a time; what comes meanwhile gathers for the next one, so a loaded step commits many messages at once.
///
/// Thread: the loop's. Lifetime: loop and link outlive it; hooks may destroy it, after which nothing is called.
class StepCommits {
 public:
  /// What takes effect together.
  struct Batch {
    amqp::client::Commit commit;
    std::string records;                      ///< of the history, framed
    std::string spans;                        ///< of traces, framed
    StepCounts counts;                        ///< of the messages that it ends
    std::vector<std::function<void()>> then;  ///< what goes on once it has taken effect, or will not
  };
  struct Hooks {
    std::function<void(Batch&)> complete;   ///< the last chance to add to what is about to be committed
    std::function<void(Batch&)> effective;  ///< it has taken effect; `then` is called after this
    std::function<void(Error)> failed;      ///< the link is lost
    std::function<void()> idle;             ///< nothing is under way or gathered
  };

  StepCommits(io::Loop& loop, Hooks hooks);
  ~StepCommits();
  StepCommits(const StepCommits&) = delete;
  StepCommits& operator=(const StepCommits&) = delete;

  void begin(amqp::client::Link& link) { link_ = &link; }
  Batch& gathered() { return gathered_; }
  bool busy() const { return under_way_ || !gathered_.commit.empty(); }
  /// Commits what has gathered: at once when no commit is under way, after what else is to be done in this turn of the
  /// loop; otherwise with the next one.
  void flush_soon();
  /// The link is cut and mends itself: what was gathered or under way is void. Nothing is committed until mended().
  void interrupted();
  void mended();
  /// Nothing more is committed or told.
  void stop();

  const StepCounts& counts() const { return counts_; }

 private:
  void flush();
  void committed(const Status& status);

  io::Loop& loop_;
  std::shared_ptr<const Hooks> hooks_;  ///< held by who calls one: it may destroy us
  amqp::client::Link* link_ = nullptr;
  Batch gathered_;
  Batch committing_;
  StepCounts counts_;  ///< of what has taken effect
  bool under_way_ = false;
  bool flush_posted_ = false;
  bool cut_ = false;
  std::shared_ptr<bool> alive_;
};

}  // namespace millrace::component
