#include "component/presence_sender.hpp"

#include <utility>

#include "component/platform_request.hpp"

namespace millrace::component {
namespace {

constexpr std::chrono::seconds interval{1};
constexpr std::chrono::seconds patience{2};

}  // namespace

class PresenceSender::State : public std::enable_shared_from_this<PresenceSender::State> {
 public:
  State(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, std::function<Presence()> look)
      : loop_(loop), environment_(environment), look_(std::move(look)) {}

  void tell() {
    loop_.cancel(std::exchange(timer_, 0));
    if (std::exchange(under_way_, true)) {
      again_ = true;
      return;
    }
    again_ = false;
    PlatformQuestion question{"POST", task_path(environment_) + "/presence", look_().to_json()};
    ask_platform(loop_, environment_, std::move(question), patience,
                 [weak = weak_from_this()](const Result<PlatformAnswer>&) {
                   if (const auto self = weak.lock()) self->told();
                 });
  }

  void stop() { loop_.cancel(std::exchange(timer_, 0)); }

 private:
  void told() {
    under_way_ = false;
    if (again_) return tell();
    timer_ = loop_.after(interval, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->timer_ = 0;
      self->tell();
    });
  }

  io::posix::AsioLoop& loop_;
  const WorkerEnvironment& environment_;
  std::function<Presence()> look_;
  io::TimerId timer_ = 0;
  bool under_way_ = false;
  bool again_ = false;  ///< something has changed meanwhile
};

PresenceSender::PresenceSender(io::posix::AsioLoop& loop, const WorkerEnvironment& environment,
                               std::function<Presence()> look)
    : state_(std::make_shared<State>(loop, environment, std::move(look))) {
  state_->tell();
}

PresenceSender::~PresenceSender() {
  state_->stop();
}

void PresenceSender::tell() {
  state_->tell();
}

}  // namespace millrace::component
