#include "amqp/client/confirmed_commits.hpp"

#include <algorithm>
#include <utility>

#include "core/log.hpp"

namespace millrace::amqp::client {
namespace {

constexpr std::chrono::milliseconds delay_max{30'000};

/// The delay that is due now; the next one is twice as long.
std::chrono::milliseconds taken(std::chrono::milliseconds& delay) {
  return std::exchange(delay, std::min(delay * 2, delay_max));
}

}  // namespace

ConfirmedCommits::ConfirmedCommits(io::Loop& loop, Settings settings, Channel channel)
    : loop_(loop), settings_(std::move(settings)), channel_(std::move(channel)), alive_(std::make_shared<bool>(true)) {}

ConfirmedCommits::~ConfirmedCommits() {
  stop();
}

void ConfirmedCommits::stop() {
  *alive_ = false;
}

void ConfirmedCommits::after(std::chrono::milliseconds delay, std::function<void()> task) {
  loop_.after(delay, [alive = alive_, this, task = std::move(task)] {
    if (*alive) task();
    if (*alive) channel_.wrote();
  });
}

void ConfirmedCommits::add(Commit commit) {
  Open& open = open_.emplace_back(Open{next_number_++, std::move(commit)});
  auto& publishes = open.commit.publishes;
  for (auto at = publishes.begin(); at != publishes.end();) {
    if (settings_.snapshot_key.empty() || at->routing_key != settings_.snapshot_key) {
      ++at;
      continue;
    }
    open.snapshot = std::move(at->body);  // a later one is the newer
    at = publishes.erase(at);
  }
  open.unconfirmed = publishes.size();
  for (std::size_t i = 0; i < publishes.size(); ++i) open.again.push_back(i);
  send(open);
  if (open.unconfirmed == 0) advance_soon();
}

void ConfirmedCommits::hold(bool held) {
  held_ = held;
  if (held) return;
  for (Open& open : open_) {
    if (!open.waits) send(open);
  }
}

void ConfirmedCommits::send(Open& open) {
  if (held_) return;
  for (const auto place : std::exchange(open.again, {})) {
    sent_.push_back({open.number, place});
    channel_.publish(open.commit.publishes[place]);
  }
}

void ConfirmedCommits::answered(std::uint64_t number, bool multiple, bool confirmed) {
  if (number < first_sent_ || number >= first_sent_ + sent_.size()) return;  // it was answered before
  const auto last = number - first_sent_;
  for (std::uint64_t at = multiple ? 0 : last; at <= last; ++at) {
    if (!sent_[at].answered) answer(sent_[at], confirmed);
  }
  while (!sent_.empty() && sent_.front().answered) {
    sent_.pop_front();
    ++first_sent_;
  }
  advance();
}

void ConfirmedCommits::answer(Sent& sent, bool confirmed) {
  sent.answered = true;
  Open& open = open_of(sent.commit);
  if (confirmed && !sent.returned) {
    open.commit.publishes[sent.publish] = {};
    --open.unconfirmed;
    return;
  }
  if (!confirmed) open.trouble = "a queue is full, or cannot keep it now";
  open.again.push_back(sent.publish);
  try_again(open);
}

void ConfirmedCommits::returned(const Outgoing& message, const std::string& why) {
  const auto is_it = [&](const Sent& sent) {
    if (sent.answered || sent.returned) return false;
    const auto& published = open_of(sent.commit).commit.publishes[sent.publish];
    return published.routing_key == message.routing_key && published.exchange == message.exchange &&
           published.body == message.body;
  };
  const auto found = std::find_if(sent_.begin(), sent_.end(), is_it);
  if (found == sent_.end()) return;
  found->returned = true;
  open_of(found->commit).trouble = "no queue takes it: " + why;
}

void ConfirmedCommits::try_again(Open& open) {
  if (std::exchange(open.waits, true)) return;
  const auto& message = open.commit.publishes[open.again.front()];
  const auto delay = taken(open.delay);
  log::warning("the broker did not take a message; it is published again",
               {{"exchange", message.exchange},
                {"routing_key", message.routing_key},
                {"reason", open.trouble},
                {"again_in_ms", std::to_string(delay.count())}});
  after(delay, [this, number = open.number] {
    if (!has(number)) return;
    Open& due = open_of(number);
    due.waits = false;
    send(due);
  });
}

void ConfirmedCommits::advance_soon() {
  loop_.post([alive = alive_, this] {
    if (*alive) advance();
    if (*alive) channel_.wrote();
  });
}

/// Ends what has nothing left to wait for, in order.
void ConfirmedCommits::advance() {
  if (std::exchange(advancing_, true)) return;
  const auto alive = alive_;
  while (!open_.empty() && open_.front().unconfirmed == 0) {
    Open& front = open_.front();
    if (front.saving) break;
    if (front.snapshot) {
      save(front);
      break;
    }
    const Commit commit = std::move(front.commit);
    open_.pop_front();
    channel_.settle(commit);
    channel_.committed();
    if (!*alive) return;
  }
  advancing_ = false;
}

void ConfirmedCommits::save(Open& front) {
  front.saving = true;
  settings_.save_snapshot(*front.snapshot, [this, alive = alive_](const Status& status) {
    if (*alive) saved(status);
  });
}

/// Always the front's: nothing else is saved meanwhile.
void ConfirmedCommits::saved(const Status& status) {
  Open& front = open_.front();
  if (status) {
    front.saving = false;
    front.snapshot.reset();
    return advance_soon();
  }
  const auto delay = taken(front.delay);
  log::warning("the step's snapshot is not saved; it is tried again",
               {{"reason", status.error().message}, {"again_in_ms", std::to_string(delay.count())}});
  after(delay, [this] { save(open_.front()); });
}

}  // namespace millrace::amqp::client
