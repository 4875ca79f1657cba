#include "amqp/client/lasting_link.hpp"

#include <algorithm>
#include <utility>

#include "core/log.hpp"

namespace millrace::amqp::client {
namespace {

constexpr std::chrono::milliseconds pause_min{200};
constexpr std::chrono::milliseconds pause_max{2'000};
constexpr std::chrono::seconds well{5};  // a link that lasted so long was a good one

bool may_come_back(const Error& why) {
  return why.kind != Error::Kind::invalid && why.kind != Error::Kind::unsupported;
}

}  // namespace

LastingLink::LastingLink(io::Loop& loop, Make make, Handlers handlers)
    : loop_(loop), make_(std::move(make)), handlers_(std::move(handlers)), alive_(std::make_shared<bool>(true)) {
  begin();
}

LastingLink::~LastingLink() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void LastingLink::begin() {
  Handlers handlers;
  handlers.ready = [this] { became_ready(); };
  handlers.delivered = handlers_.delivered;
  handlers.lost = [this](Error why) { interrupted(std::move(why)); };
  link_ = make_(std::move(handlers));
}

void LastingLink::became_ready() {
  ready_ = true;
  ready_since_ = loop_.steady_now();
  if (!std::exchange(trouble_, {}).empty()) log::info("worker is connected to its broker again");
  if (handlers_.ready) handlers_.ready();
}

void LastingLink::interrupted(Error why) {
  // The link that tells of its end is not destroyed while it does so.
  loop_.post([old = std::shared_ptr<Link>(std::move(link_))] {});
  if (!may_come_back(why)) {
    if (handlers_.lost) handlers_.lost(std::move(why));
    return;
  }
  if (ready_ && loop_.steady_now() - ready_since_ >= well) pause_ = std::chrono::milliseconds(0);
  if (trouble_ != why.message) log::warning("worker has no connection to its broker", {{"reason", why.message}});
  trouble_ = why.message;
  if (std::exchange(ready_, false) && handlers_.interrupted) {
    const auto alive = alive_;
    handlers_.interrupted(std::move(why));
    if (!*alive) return;
  }
  if (stopped_) return;
  timer_ = loop_.after(std::exchange(pause_, std::clamp(pause_ * 2, pause_min, pause_max)), [this] {
    timer_ = 0;
    begin();
  });
}

void LastingLink::commit(Commit commit, std::function<void(Status)> done) {
  const auto pass_on = [alive = alive_, done = std::move(done)](const Status& status) {
    if (status && *alive) done(status);
  };
  if (link_) link_->commit(std::move(commit), pass_on);
}

void LastingLink::stop_consuming() {
  stopped_ = true;
  loop_.cancel(std::exchange(timer_, 0));
  if (link_) link_->stop_consuming();
}

void LastingLink::close(std::function<void()> closed) {
  stopped_ = true;
  loop_.cancel(std::exchange(timer_, 0));
  link_ ? link_->close(std::move(closed)) : loop_.post(std::move(closed));
}

}  // namespace millrace::amqp::client
