#include "cluster/membership.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cluster/owner.hpp"
#include "core/log.hpp"

namespace millrace::cluster {
namespace {

/// How long a member that is gone is still listed.
constexpr std::chrono::milliseconds kept_time = std::chrono::hours(24);

}  // namespace

Membership::Membership(io::Loop& loop, store::Store& store, Settings settings, Clock clock)
    : loop_(loop), store_(store), settings_(std::move(settings)), clock_(std::move(clock)) {
  if (!clock_) clock_ = [](store::Database& database) { return database.now(); };
}

Membership::~Membership() {
  *there_ = false;
  loop_.cancel(beat_timer_);
  loop_.cancel(lease_timer_);
}

store::MemberRecord Membership::self() const {
  return {settings_.name, settings_.boot, settings_.address};
}

std::function<Result<Membership::Pulse>(store::Database&)> Membership::beat_work(bool joins) const {
  return [self = self(), settings = settings_, clock = clock_, joins](store::Database& database) -> Result<Pulse> {
    const auto now = clock(database);
    if (!now) return now.error();
    store::Members members(database);
    Pulse pulse;
    pulse.now = *now;
    if (joins) {
      if (auto joined = members.join(self, *now); !joined) return joined.error();
    }
    const auto known = members.beat(self, *now);
    if (!known) return known.error();
    pulse.superseded = !*known;
    if (auto done = members.forget_before(*now - kept_time.count()); !done) return done.error();
    auto lease = pulse.superseded ? members.lease(std::string(Membership::lease_name))
                                  : members.hold(std::string(Membership::lease_name), self, *now,
                                                 *now + settings.lease_time.count());
    if (!lease) return lease.error();
    pulse.lease = std::move(*lease);
    auto all = members.all();
    if (!all) return all.error();
    pulse.members = std::move(*all);
    return pulse;
  };
}

Status Membership::join() {
  const auto asked_at = loop_.steady_now();
  const auto pulse = store_.now<Pulse>(beat_work(true));
  if (!pulse) return pulse.error();
  learn(*pulse, asked_at);
  told_turn_ = turn();
  told_alive_ = alive_names_;
  log::info("joined the members of this store",
            {{"member", settings_.name}, {"alive", fmt::format("{}", fmt::join(alive_names_, ", "))}});
  beat_timer_ = loop_.after(settings_.heartbeat, [this] { beat(); });
  return Done{};
}

void Membership::beat() {
  beat_timer_ = loop_.after(settings_.heartbeat, [this] { beat(); });
  if (beating_ || left_) return;
  beating_ = true;
  store_.run<Pulse>(beat_work(false),
                    [this, there = there_, asked_at = loop_.steady_now()](const Result<Pulse>& pulse) {
                      if (!*there) return;
                      beating_ = false;
                      if (!left_) take(pulse, asked_at);
                    });
}

void Membership::take(const Result<Pulse>& pulse, io::SteadyTime asked_at) {
  if (pulse) {
    if (std::exchange(lost_, false)) log::info("the other members are heard again", {{"member", settings_.name}});
    learn(*pulse, asked_at);
  } else if (!std::exchange(lost_, true)) {
    log::warning("the other members cannot be heard", {{"member", settings_.name}, {"reason", pulse.error().message}});
  }
  tell_if_changed();
}

void Membership::learn(const Pulse& pulse, io::SteadyTime asked_at) {
  if (pulse.superseded && !last_.superseded) {
    log::error(
        "another platform has started with this member's name: this one starts no workers and no schedules any "
        "more (give each a name of its own with --member)",
        {{"member", settings_.name}});
  }
  last_ = pulse;
  alive_names_.clear();
  for (const auto& member : pulse.members) {
    const bool is_self = member.name == settings_.name;
    if (is_self ? pulse.superseded : pulse.now - member.seen_at > settings_.silence_max.count()) continue;
    alive_names_.push_back(member.name);
  }
  const auto& lease = pulse.lease;
  const bool holds = !pulse.superseded && lease.member == settings_.name && lease.boot == settings_.boot;
  leads_until_ = holds ? asked_at + settings_.lease_time - settings_.margin : io::SteadyTime{};
  if (holds) epoch_ = lease.epoch;
  watch_lease();
}

/// Its end is an event, too, where no answer of the store comes.
void Membership::watch_lease() {
  loop_.cancel(std::exchange(lease_timer_, 0));
  if (!leads()) return;
  lease_timer_ = loop_.after(leads_until_ - loop_.steady_now(), [this] {
    lease_timer_ = 0;
    tell_if_changed();
  });
}

void Membership::tell_if_changed() {
  const auto now_in = turn();
  if (now_in == told_turn_ && alive_names_ == told_alive_) return;
  if (alive_names_ != told_alive_) {
    log::info("the members of this store have changed", {{"alive", fmt::format("{}", fmt::join(alive_names_, ", "))}});
  }
  if (now_in != told_turn_) {
    log::info(now_in != 0 ? "this member leads: it serves the schedules" : "this member leads no more",
              {{"member", settings_.name}, {"epoch", std::to_string(epoch_)}});
  }
  told_turn_ = now_in;
  told_alive_ = alive_names_;
  if (changed_) changed_();
}

void Membership::leave(std::function<void()> left) {
  left_ = true;
  leads_until_ = {};
  loop_.cancel(std::exchange(beat_timer_, 0));
  loop_.cancel(std::exchange(lease_timer_, 0));
  const auto once = std::make_shared<std::function<void()>>(std::move(left));
  const auto tell = [once] {
    if (const auto done = std::exchange(*once, nullptr)) done();
  };
  const auto patience = loop_.after(settings_.heartbeat, tell);
  store_.run<Done>(
      [self = self()](store::Database& database) { return store::Members(database).leave(self); },
      [this, there = there_, tell, patience](const Status& done) {
        if (!*there) return;
        loop_.cancel(patience);
        if (!done)
          log::warning("the other members do not learn that this one ends", {{"reason", done.error().message}});
        tell();
      });
}

std::vector<Member> Membership::members() const {
  std::vector<Member> members;
  for (const auto& record : last_.members) {
    const bool alive = std::ranges::find(alive_names_, record.name) != alive_names_.end();
    const bool is_self = record.name == settings_.name && record.boot == settings_.boot;
    const bool holds = last_.lease.member == record.name && last_.lease.boot == record.boot;
    members.push_back({record.name, record.address, record.started_at, record.seen_at, alive,
                       is_self ? leads() : holds && last_.lease.until > last_.now});
  }
  return members;
}

bool Membership::leads() const {
  return !left_ && loop_.steady_now() < leads_until_;
}

bool Membership::owns(std::string_view step, std::uint32_t instance) const {
  const auto* owner = owner_of(step, instance, alive_names_);
  return owner != nullptr && *owner == settings_.name;
}

}  // namespace millrace::cluster
