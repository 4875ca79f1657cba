#include "io/posix/spawn.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::io::posix {
namespace {

Error failure(const char* what, int code) {
  const auto kind = code == ENOENT ? Error::Kind::not_found : Error::Kind::io;
  return {kind, std::string(what) + ": " + std::strerror(code)};
}

/// A file descriptor that closes itself unless it is released.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Everything the child needs, made before vfork: the child may allocate nothing.
struct Prepared {
  const char* program = nullptr;
  std::vector<char*> argv;
  std::vector<char*> envp;
  rlim_t memory_max = 0;
  const char* folder = nullptr;
  int input = -1;
  int output = -1;
  int errors = -1;
  pid_t parent = 0;
  volatile int failed = 0;  ///< errno of the child's failure: it shares our memory
};

void prefer_for_oom_kill() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, "500", 3);
  ::close(fd);
}

/// The child's part. Only async-signal-safe calls: it runs in its parent's memory.
[[noreturn]] void become(Prepared& prepared) {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(1);  // it died before we asked to be told
  prefer_for_oom_kill();
  if (prepared.memory_max > 0) {
    const rlimit limit{prepared.memory_max, prepared.memory_max};
    ::setrlimit(RLIMIT_DATA, &limit);
  }
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);  // a poison message would fill the disk with the data of others
  if (prepared.folder != nullptr && ::chdir(prepared.folder) != 0) {
    prepared.failed = errno;
    ::_exit(127);
  }
  if (::dup2(prepared.input, 0) < 0 || ::dup2(prepared.output, 1) < 0 || ::dup2(prepared.errors, 2) < 0) {
    prepared.failed = errno;
    ::_exit(127);
  }
  ::close_range(3, ~0U, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.program, prepared.argv.data(), prepared.envp.data());
  prepared.failed = errno;
  ::_exit(127);
}

pid_t start(Prepared& prepared) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours may run in the child
  prepared.parent = ::getpid();
  const pid_t pid = ::vfork();
  if (pid == 0) become(prepared);
  const int code = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return pid;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// A pipe: one end the child's, the other ours and non-blocking.
struct Pipe {
  enum class Ours { read, write };

  explicit Pipe(Ours which) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    const bool reads = which == Ours::read;
    ours.emplace(ends[reads ? 0 : 1]);
    childs.emplace(ends[reads ? 1 : 0]);
    ::fcntl(ours->get(), F_SETFL, O_NONBLOCK);
  }

  std::optional<Descriptor> ours;
  std::optional<Descriptor> childs;
};

}  // namespace

Result<Spawned> spawn(const ProcessSpec& spec) {
  Pipe output(Pipe::Ours::read);
  std::optional<Pipe> input;
  std::optional<Pipe> answer;
  if (spec.talks) {
    input.emplace(Pipe::Ours::write);
    answer.emplace(Pipe::Ours::read);
  }
  if (!output.ours || (spec.talks && (!input->ours || !answer->ours))) return failure("cannot make a pipe", errno);
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.get() < 0) return failure("cannot open /dev/null", errno);

  std::vector<std::string> arguments{spec.title.empty() ? spec.program : spec.title};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment;
  for (const auto& [name, value] : spec.environment) environment.push_back(name + "=" + value);

  Prepared prepared;
  prepared.program = spec.program.c_str();
  prepared.argv = pointers(arguments);
  prepared.envp = pointers(environment);
  prepared.memory_max = spec.memory_max;
  if (!spec.folder.empty()) prepared.folder = spec.folder.c_str();
  prepared.input = spec.talks ? input->childs->get() : nothing.get();
  prepared.output = spec.talks ? answer->childs->get() : output.childs->get();
  prepared.errors = output.childs->get();

  const pid_t pid = start(prepared);
  if (pid < 0) return failure("cannot start a process", errno);
  if (prepared.failed != 0) {
    ::waitpid(pid, nullptr, 0);
    const auto place = spec.folder.empty() ? std::string() : " in " + spec.folder;
    return failure(("cannot run " + spec.program + place).c_str(), prepared.failed);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failure("cannot watch a process (Linux 5.3 or later is needed)", code);
  }
  Spawned spawned{pid, pidfd, output.ours->release()};
  if (spec.talks) {
    spawned.input = input->ours->release();
    spawned.answer = answer->ours->release();
  }
  return spawned;
}

}  // namespace millrace::io::posix
