#include "hosting/authorized_program.hpp"

#include <deque>
#include <set>
#include <utility>

#include "component/login_outcome.hpp"
#include "core/log.hpp"

namespace millrace::hosting {
using component::Finish;
using component::Login;
using component::Outcome;
using component::Work;

namespace {

/// For a program that is wanted before there is a message, such as one with a startup hook.
constexpr std::chrono::seconds retry_delay{5};

}  // namespace

class AuthorizedProgram::State : public std::enable_shared_from_this<State> {
 public:
  State(io::Loop& loop, component::CredentialSource& credential, component::StepSettings settings, LoginUse use,
        std::function<void(Error)> lost)
      : loop_(loop),
        credential_(credential),
        settings_(std::move(settings)),
        use_(std::move(use)),
        lost_(std::move(lost)) {}

  void process(Work work, Finish finish) {
    if (paging_.erase(work.message_id) > 0) return give({std::move(work), std::move(finish)});
    waiting_.push_back({std::move(work), std::move(finish)});
    ask();
  }

  void ask() {
    loop_.cancel(std::exchange(retry_, 0));
    if (std::exchange(asking_, true)) return;
    credential_.login([weak = weak_from_this()](const Result<Login>& login) {
      const auto self = weak.lock();
      if (!self) return;
      self->asking_ = false;
      login ? self->take(*login) : self->do_without(login.error());
    });
  }

  void end() {
    loop_.cancel(retry_);
    program_.reset();
  }

 private:
  struct Waiting {
    Work work;
    Finish finish;
  };

  void take(const Login& login) {
    if (replacing_) return;  // asked again when it is gone
    const bool is_known = program_ && login.generation == login_.generation;
    auto told = is_known ? told_ : use_.told(login);
    if (program_ && told != told_) return replace();
    if (!program_ && !start(login, std::move(told))) return;
    login_ = login;
    while (!waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_hand_;
      give(std::move(next));
    }
  }

  /// Once the messages that the program has are done, and not from inside of it.
  void replace() {
    if (in_hand_ > 0 || std::exchange(replacing_, true)) return;  // in_hand_: asked again then
    loop_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      log::info("the credential has changed: the component is started anew");
      self->replacing_ = false;
      self->program_.reset();
      self->ask();
    });
  }

  bool start(const Login& login, boost::json::object told) {
    auto started = use_.start(settings_, login);
    if (!started) {
      if (lost_) std::exchange(lost_, nullptr)(started.error());
      return false;
    }
    program_ = std::move(*started);
    told_ = std::move(told);
    login_ = login;
    return true;
  }

  /// Messages are put back; a program that nothing waits for is tried again by the clock.
  void do_without(const Error& why) {
    if (!program_ && waiting_.empty()) {
      log::warning("the component waits for its credential", {{"reason", why.message}});
      retry_ = loop_.after(retry_delay, [this] {
        retry_ = 0;
        ask();
      });
    }
    for (auto& one : std::exchange(waiting_, {})) one.finish(component::outcome_without_login(why));
  }

  void give(Waiting one) {
    const auto id = one.work.message_id;
    program_->process(std::move(one.work), [this, id, finish = std::move(one.finish)](Outcome outcome) {
      finished(id, finish, std::move(outcome));
    });
  }

  /// In what a failure says: to the operator, and to a webhook's caller who waits.
  void hide_secrets(Outcome& outcome) const {
    outcome.failure.message = redacted(std::move(outcome.failure.message), login_);
    outcome.failure.details = redacted(std::move(outcome.failure.details), login_);
    for (auto& emission : outcome.emissions) {
      const bool told = outcome.kind == Outcome::Kind::failed && !emission.routing_key.empty();
      if (told) emission.body = redacted(std::move(emission.body), login_);
    }
  }

  void finished(const std::string& id, const Finish& finish, Outcome outcome) {
    if (outcome.snapshot) settings_.snapshot = *outcome.snapshot;
    hide_secrets(outcome);
    const bool over = !outcome.more && !outcome.late;
    if (outcome.more) paging_.insert(id);
    if (over) {
      --in_hand_;
      settings_.startup = false;  // what has handled a message has started up
    }
    finish(std::move(outcome));
    // Not from inside of the program, which may have to be ended.
    if (over && in_hand_ == 0 && !waiting_.empty()) {
      loop_.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->ask();
      });
    }
  }

  io::Loop& loop_;
  component::CredentialSource& credential_;
  component::StepSettings settings_;
  const LoginUse use_;
  std::function<void(Error)> lost_;

  std::unique_ptr<component::Action> program_;  ///< none: there was no login yet
  boost::json::object told_;                    ///< it
  Login login_;                                 ///< the last that there was
  bool asking_ = false;
  bool replacing_ = false;
  io::TimerId retry_ = 0;
  std::deque<Waiting> waiting_;   ///< not given to the program yet
  std::size_t in_hand_ = 0;       ///< messages that it has
  std::set<std::string> paging_;  ///< ids of those of which a part takes effect just now
};

AuthorizedProgram::AuthorizedProgram(io::Loop& loop, component::CredentialSource& credential,
                                     component::StepSettings settings, std::size_t concurrency, LoginUse use,
                                     std::function<void(Error)> lost)
    : state_(std::make_shared<State>(loop, credential, std::move(settings), std::move(use), std::move(lost))),
      concurrency_(concurrency) {
  state_->ask();
}

AuthorizedProgram::~AuthorizedProgram() {
  state_->end();
}

void AuthorizedProgram::process(Work work, Finish finish) {
  state_->process(std::move(work), std::move(finish));
}

}  // namespace millrace::hosting
