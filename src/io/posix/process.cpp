#include "io/posix/process.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/posix/spawn.hpp"

namespace millrace::io::posix {
namespace asio = boost::asio;
namespace {

constexpr std::size_t chunk_size = 16 * 1024;
constexpr std::size_t bytes_per_turn = 100 * 1024;  // ten turns a second
constexpr std::chrono::milliseconds turn{100};

}  // namespace

struct Process::State : std::enable_shared_from_this<State> {
  State(AsioLoop& owner, const Spawned& child, ProcessHandlers calls)
      : loop(owner),
        pid(child.pid),
        exit_watch(owner.native(), child.pidfd),
        output(owner.native(), child.output),
        input(owner.native()),
        answer(owner.native()),
        handlers(std::move(calls)) {
    if (child.input >= 0) input.assign(child.input);
    if (child.answer >= 0) answer.assign(child.answer);
  }

  void begin() {
    wait_for_output();
    wait_for_answer();
    exit_watch.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error) self->reap();
                          });
  }

  void wait_for_output() {
    output.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error && !self->over) self->read_turn();
                      });
  }

  /// Reads what is there, up to what is left of the turn's worth; then lets the rest of the loop have its time.
  void read_turn() {
    const auto now = loop.steady_now();
    if (now - turn_began >= turn) {
      turn_began = now;
      left_in_turn = bytes_per_turn;
    }
    left_in_turn -= read_up_to(left_in_turn);
    if (end_of_output || over) return;
    if (left_in_turn > 0) return wait_for_output();
    pause = loop.after(turn_began + turn - now, [self = shared_from_this()] {
      self->pause = 0;
      self->read_turn();
    });
  }

  std::size_t read_up_to(std::size_t size_max) {
    std::array<char, chunk_size> chunk;
    std::size_t taken = 0;
    while (taken < size_max) {
      const auto size = ::read(output.native_handle(), chunk.data(), std::min(chunk.size(), size_max - taken));
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) break;
      if (size == 0) {
        end_of_output = true;
        break;
      }
      taken += static_cast<std::size_t>(size);
      handlers.output(std::string_view(chunk.data(), static_cast<std::size_t>(size)));
      if (over) break;
    }
    return taken;
  }

  void wait_for_answer() {
    if (!answer.is_open() || holds_answers || waits_for_answer) return;
    waits_for_answer = true;
    answer.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        self->waits_for_answer = false;
                        if (error || self->over) return;
                        if (self->holds_answers || self->read_answer()) self->wait_for_answer();
                      });
  }

  void hold_answers(bool hold) {
    holds_answers = hold;
    if (!over) wait_for_answer();
  }

  /// What is there, a chunk at a time so that others have their turn; false at its end.
  bool read_answer() {
    std::array<char, chunk_size> chunk;
    const auto size = ::read(answer.native_handle(), chunk.data(), chunk.size());
    if (size < 0) return errno == EINTR || errno == EAGAIN;
    if (size > 0) handlers.answer(std::string_view(chunk.data(), static_cast<std::size_t>(size)));
    return size > 0 && !over;
  }

  void write(std::string_view bytes) {
    if (over || !input.is_open()) return;
    unwritten += bytes;
    if (unwritten.size() == bytes.size() && writing.empty()) write_on();
  }

  void write_on() {
    writing.swap(unwritten);
    if (writing.empty()) return;
    asio::async_write(input, asio::buffer(writing),
                      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                        if (error || self->over) return;  // it reads no more; its end will be told
                        self->writing.clear();
                        self->write_on();
                      });
  }

  void reap() {
    int status = 0;
    rusage usage{};
    if (over || ::wait4(pid, &status, WNOHANG, &usage) != pid) return;
    reaped = true;
    ::kill(-pid, SIGKILL);  // whatever it has started and left behind
    if (!end_of_output) read_up_to(bytes_per_turn);
    if (answer.is_open()) read_last_answers();
    ProcessEnd end;
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
    end.rss_max = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    const auto ended = std::move(handlers.ended);
    close();
    ended(end);
  }

  void read_last_answers() {
    std::array<char, chunk_size> chunk;
    for (ssize_t size = 0; !over && (size = ::read(answer.native_handle(), chunk.data(), chunk.size())) > 0;) {
      handlers.answer(std::string_view(chunk.data(), static_cast<std::size_t>(size)));
    }
  }

  void close() {
    over = true;
    loop.cancel(std::exchange(pause, 0));
    boost::system::error_code ignored;
    exit_watch.close(ignored);
    output.close(ignored);
    input.close(ignored);
    answer.close(ignored);
  }

  AsioLoop& loop;
  pid_t pid;
  asio::posix::stream_descriptor exit_watch;
  asio::posix::stream_descriptor output;
  asio::posix::stream_descriptor input;
  asio::posix::stream_descriptor answer;
  std::string writing;    ///< what is on its way to stdin
  std::string unwritten;  ///< what comes after it
  ProcessHandlers handlers;
  SteadyTime turn_began{};
  std::size_t left_in_turn = 0;
  TimerId pause = 0;
  bool waits_for_answer = false;
  bool holds_answers = false;
  bool end_of_output = false;
  bool reaped = false;
  bool over = false;
};

Result<std::unique_ptr<Process>> Process::start(AsioLoop& loop, const ProcessSpec& spec, ProcessHandlers handlers) {
  const auto child = spawn(spec);
  if (!child) return child.error();
  auto state = std::make_shared<State>(loop, *child, std::move(handlers));
  state->begin();
  return std::unique_ptr<Process>(new Process(std::move(state)));
}

Process::Process(std::shared_ptr<State> state) : state_(std::move(state)) {}

Process::~Process() {
  if (!state_->reaped) {
    ::kill(-state_->pid, SIGKILL);
    ::kill(state_->pid, SIGKILL);
    ::waitpid(state_->pid, nullptr, 0);
  }
  if (!state_->over) state_->close();
}

int Process::id() const {
  return state_->pid;
}

void Process::write(std::string_view bytes) {
  state_->write(bytes);
}

std::size_t Process::unwritten() const {
  return state_->writing.size() + state_->unwritten.size();
}

void Process::hold_answers(bool hold) {
  state_->hold_answers(hold);
}

void Process::signal(int number) {
  if (state_->reaped) return;
  if (number == SIGKILL) ::kill(-state_->pid, number);
  ::kill(state_->pid, number);
}

}  // namespace millrace::io::posix
