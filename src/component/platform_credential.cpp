#include "component/platform_credential.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "component/platform_request.hpp"

namespace millrace::component {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kept_for{5'000};
constexpr milliseconds patience{60'000};  // the platform may be asking a token of a slow server

/// What the platform says about a login that it cannot give.
Error error_of(const PlatformAnswer& answer) {
  boost::system::error_code failed;
  const auto body = boost::json::parse(answer.body, failed);
  const auto* object = body.if_object();
  const auto* detail = object == nullptr ? nullptr : object->if_contains("detail");
  auto text = detail != nullptr && detail->is_string() ? std::string(detail->get_string())
                                                       : fmt::format("the platform answered {}", answer.status);
  auto kind = Error::Kind::unavailable;
  if (answer.status == 404) kind = Error::Kind::not_found;
  if (answer.status == 403) kind = Error::Kind::permission;
  return {kind, std::move(text)};
}

}  // namespace

class PlatformCredential::State : public std::enable_shared_from_this<PlatformCredential::State> {
 public:
  State(io::posix::AsioLoop& loop, WorkerEnvironment environment) : loop_(loop), environment_(std::move(environment)) {}

  void login(Done done) {
    if (known_ && loop_.steady_now() < known_until_) return done(*known_);
    waiting_.push_back(std::move(done));
    if (waiting_.size() == 1) ask("");
  }

  void refused(const Login& login, Done done) {
    // Another message has learnt meanwhile what comes after it.
    if (known_ && known_->generation != login.generation) return done(*known_);
    known_.reset();
    refusals_.push_back({login.generation, std::move(done)});
    if (refusals_.size() == 1) ask_after_refusal();
  }

  void changed() { known_.reset(); }

 private:
  struct Refusal {
    std::string generation;
    Done done;
  };

  void ask(const std::string& refused) {
    auto target = task_path(environment_) + "/credential";
    if (!refused.empty()) target += "?refused=" + refused;
    ask_platform(loop_, environment_, target, patience,
                 [weak = weak_from_this(), after_refusal = !refused.empty()](const Result<PlatformAnswer>& answer) {
                   const auto self = weak.lock();
                   if (!self) return;
                   auto login = self->keep(answer);
                   after_refusal ? self->tell_refused(login) : self->tell(login);
                 });
  }

  void ask_after_refusal() { ask(refusals_.front().generation); }

  Result<Login> keep(const Result<PlatformAnswer>& answer) {
    if (!answer) return answer.error().in("credential");
    if (answer->status != 200) return error_of(*answer);
    auto login = Login::from_json(answer->body);
    if (!login) return login;
    known_ = *login;
    known_until_ = loop_.steady_now() + std::min(kept_for, login->valid_for);
    return login;
  }

  void tell(const Result<Login>& login) {
    for (const auto& done : std::exchange(waiting_, {})) done(login);
  }

  /// Those that were refused the same secret get one answer; the rest asks on.
  void tell_refused(const Result<Login>& login) {
    const auto asked = refusals_.front().generation;
    auto all = std::exchange(refusals_, {});
    std::vector<Done> answered;
    for (auto& one : all) {
      if (one.generation == asked) {
        answered.push_back(std::move(one.done));
      } else {
        refusals_.push_back(std::move(one));
      }
    }
    if (!refusals_.empty()) ask_after_refusal();
    for (const auto& done : answered) done(login);
  }

  io::posix::AsioLoop& loop_;
  WorkerEnvironment environment_;
  std::optional<Login> known_;
  io::SteadyTime known_until_;
  std::vector<Done> waiting_;
  std::vector<Refusal> refusals_;
};

PlatformCredential::PlatformCredential(io::posix::AsioLoop& loop, WorkerEnvironment environment)
    : state_(std::make_shared<State>(loop, std::move(environment))) {}

PlatformCredential::~PlatformCredential() = default;

void PlatformCredential::login(Done done) {
  state_->login(std::move(done));
}

void PlatformCredential::refused(const Login& login, Done done) {
  state_->refused(login, std::move(done));
}

void PlatformCredential::changed() {
  state_->changed();
}

}  // namespace millrace::component
