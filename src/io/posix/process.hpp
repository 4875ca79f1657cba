#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::io::posix {

struct ProcessSpec {
  std::string program;                                           ///< path; not searched for
  std::vector<std::string> arguments;                            ///< argv without argv[0]
  std::vector<std::pair<std::string, std::string>> environment;  ///< all of it: nothing is inherited
  /// Bytes of private writable memory (RLIMIT_DATA); 0: no limit. Not RLIMIT_AS, which also counts what is only
  /// reserved (V8's heap cage, glibc's arenas) and so kills the innocent; not a watch over /proc, which a fast leak
  /// outruns.
  std::uint64_t memory_max = 0;
  std::string title = {};   ///< argv[0], what `ps` shows; empty: `program`
  std::string folder = {};  ///< its working directory; empty: ours
  /// It is talked with: its stdin is what write() gives it, its stdout goes to `answer`, only its stderr to `output`.
  bool talks = false;
};

struct ProcessEnd {
  int signal = 0;             ///< the signal that killed it, or 0
  int exit_code = 0;          ///< if signal is 0
  std::uint64_t rss_max = 0;  ///< bytes: the most memory it ever had resident
};

struct ProcessHandlers {
  /// What it writes to stdout and stderr, in order, as it comes. Read at no more than 1 MB a second: who writes faster
  /// waits on its pipe.
  std::function<void(std::string_view)> output;
  /// What a process that is talked with writes to stdout, as it comes.
  std::function<void(std::string_view)> answer = {};
  /// Called once, after the last output.
  std::function<void(ProcessEnd)> ended;
};

/// One child process: unless it is talked with, no stdin and one pipe for stdout and stderr; a process group of its own
/// (Ctrl-C at the terminal does not reach it), no other open file of ours, first in line for the kernel's out-of-memory
/// killer. When the thread that started it ends, however it ends, the kernel kills the child (PR_SET_PDEATHSIG): call
/// from the loop's thread, and let that be the thread that lives as long as the program.
class Process {
 public:
  /// Error::io or not_found if it cannot be started (also: no such program).
  static Result<std::unique_ptr<Process>> start(AsioLoop& loop, const ProcessSpec& spec, ProcessHandlers handlers);
  /// Kills the child and its group if it still runs, waits for it; `ended` is not called.
  ~Process();

  int id() const;
  /// To the stdin of a process that is talked with; what it does not read yet waits. Lost once it has ended.
  void write(std::string_view bytes);
  /// What is not on its stdin yet, in bytes.
  std::size_t unwritten() const;
  /// While held, what a process that is talked with writes to stdout stays in its pipe, and in the end it waits there.
  void hold_answers(bool hold);
  /// Sends a signal to the child; SIGKILL goes to its whole group. Nothing happens once it has ended.
  void signal(int number);

 private:
  struct State;
  explicit Process(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace millrace::io::posix
