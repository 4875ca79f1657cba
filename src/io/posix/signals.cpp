#include "io/posix/signals.hpp"

#include <csignal>

#include <boost/asio/signal_set.hpp>

namespace millrace::io::posix {

struct Signals::State : std::enable_shared_from_this<State> {
  State(AsioLoop& loop, std::function<void(int)> call) : set(loop.native()), arrived(std::move(call)) {}

  void wait() {
    set.async_wait([self = shared_from_this()](const boost::system::error_code& error, int number) {
      if (error || !self->open) return;
      self->wait();
      self->arrived(number);
    });
  }

  boost::asio::signal_set set;
  std::function<void(int)> arrived;
  bool open = true;
};

Signals::Signals(AsioLoop& loop, std::initializer_list<int> numbers, std::function<void(int number)> arrived)
    : state_(std::make_shared<State>(loop, std::move(arrived))) {
  for (const int number : numbers) state_->set.add(number);
  std::signal(SIGPIPE, SIG_IGN);
  state_->wait();
}

Signals::~Signals() {
  state_->open = false;
  state_->set.cancel();
}

}  // namespace millrace::io::posix
