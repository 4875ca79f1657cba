#include "hosting/sailor/shutdown.hpp"

#include <utility>

#include <fmt/format.h>

#include "component/program_login.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "hosting/child.hpp"
#include "hosting/sailor/sailor_environment.hpp"
#include "hosting/sailor/task_api.hpp"

namespace millrace::hosting::sailor {
namespace {

/// For its last words, once it has deleted what the startup hook left.
constexpr std::chrono::seconds farewell{1};
/// Less than a worker has that never connects to the broker.
constexpr std::chrono::seconds time_max{25};

}  // namespace

class Shutdown::State : public std::enable_shared_from_this<State> {
 public:
  State(io::posix::AsioLoop& loop, std::function<void(Status)> ended)
      : loop_(loop), ended_(std::move(ended)), output_(log::Level::info) {}

  Status begin(const component::WorkerEnvironment& environment, component::StepSettings settings,
               const std::optional<StepLogin>& login, std::string data) {
    if (login) {
      settings.config = component::config_with_login(settings.config, settings.credential,
                                                     settings.program->token_field, login->login);
      output_.hide(login->login);
    }
    Doors doors;
    doors.login = {"component", random_token()};
    auto api = TaskApi::open(
        loop_, doors.login, environment, settings,
        {read_once(std::move(data), [this] { deleted(); }),
         Accounts(loop_, environment, settings, login ? &login->source : nullptr), [](const std::string& why) {
           log::error("the component was not let in", {{"reason", why}});
         }});
    if (!api) return api.error();
    api_ = std::move(*api);
    doors.api_port = api_->port();
    auto variables = sailor_environment(environment, settings, doors, 1);
    variables.emplace_back("ELASTICIO_HOOK_SHUTDOWN", "true");
    io::posix::ProcessHandlers handlers;
    handlers.output = [this](std::string_view piece) { output_.take(piece); };
    handlers.ended = [this](const io::posix::ProcessEnd& over) {
      const bool well = deleted_ || (over.signal == 0 && over.exit_code == 0);
      end(well ? Status(Done{})
               : Status(Error{Error::Kind::io, "the shutdown hook failed: it " + output_.words(over)}));
    };
    auto process = start_program(loop_, *settings.program, sailor_command(*settings.program), std::move(variables),
                                 false, std::move(handlers));
    if (!process) return process.error();
    process_ = std::move(*process);
    timer_ = loop_.after(time_max, [this] {
      end(Error{Error::Kind::limit, fmt::format("the shutdown hook did not end within {} s", time_max.count())});
    });
    return Done{};
  }

  void forget() {
    ended_ = nullptr;
    loop_.cancel(std::exchange(timer_, 0));
  }

 private:
  void deleted() {
    deleted_ = true;
    loop_.cancel(timer_);
    timer_ = loop_.after(farewell, [this] { end(Done{}); });
  }

  void end(const Status& status) {
    if (!ended_) return;
    loop_.cancel(std::exchange(timer_, 0));
    loop_.post([ended = std::exchange(ended_, nullptr), status] { ended(status); });
  }

  io::posix::AsioLoop& loop_;
  std::function<void(Status)> ended_;  ///< null once called
  OutputLines output_;
  std::unique_ptr<TaskApi> api_;
  std::unique_ptr<io::posix::Process> process_;
  io::TimerId timer_ = 0;
  bool deleted_ = false;  ///< the hook has run
};

Result<std::unique_ptr<Shutdown>> Shutdown::begin(io::posix::AsioLoop& loop,
                                                  const component::WorkerEnvironment& environment,
                                                  const component::StepSettings& settings,
                                                  std::optional<StepLogin> login, std::string data,
                                                  std::function<void(Status)> ended) {
  auto state = std::make_shared<State>(loop, std::move(ended));
  if (auto begun = state->begin(environment, settings, login, std::move(data)); !begun) return begun.error();
  return std::unique_ptr<Shutdown>(new Shutdown(std::move(state)));
}

Shutdown::Shutdown(std::shared_ptr<State> state) : state_(std::move(state)) {}
Shutdown::~Shutdown() {
  state_->forget();
}

}  // namespace millrace::hosting::sailor
