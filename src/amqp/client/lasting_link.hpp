#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "amqp/client/link.hpp"
#include "io/loop.hpp"

namespace millrace::amqp::client {

/// A link that is made anew whenever it is lost, at once if it had lasted, else after 200 ms, 400 ms … 2 s: its broker
/// may be starting again or be cut off, and whoever works through the link outlives that. The log says each new reason
/// once.
///
/// Each loss is told with `interrupted`: what was delivered so far is void and comes again, and commits that were under
/// way are not answered any more; `ready` comes when the link is there again. `lost` is called for what no waiting
/// mends: an address or a file of it that cannot be used. Thread: the loop's, which outlives it.
class LastingLink final : public Link {
 public:
  using Make = std::function<std::unique_ptr<Link>(Handlers)>;

  LastingLink(io::Loop& loop, Make make, Handlers handlers);
  ~LastingLink() override;

  /// Not between `interrupted` and `ready`.
  void commit(Commit commit, std::function<void(Status)> done) override;
  void stop_consuming() override;
  void close(std::function<void()> closed) override;

  /// nullptr while there is none.
  Link* current() const { return link_.get(); }
  bool is_ready() const { return ready_; }

 private:
  void begin();
  void became_ready();
  void interrupted(Error why);

  io::Loop& loop_;
  Make make_;
  Handlers handlers_;
  std::unique_ptr<Link> link_;
  std::chrono::milliseconds pause_{0};  ///< before the next try
  io::SteadyTime ready_since_ = {};
  io::TimerId timer_ = 0;
  bool ready_ = false;
  std::string trouble_;   ///< why it is not there, as the log said last; empty: it is
  bool stopped_ = false;  ///< nothing more is to be delivered
  std::shared_ptr<bool> alive_;
};

}  // namespace millrace::amqp::client
