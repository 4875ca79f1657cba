#include "cluster/turns.hpp"

#include <utility>

#include <fmt/format.h>

namespace millrace::cluster {

void Turns::begin(const std::string& what, std::function<void(Status)> begun) {
  ask(what, loop_.steady_now() + patience, std::move(begun));
}

void Turns::ask(const std::string& what, io::SteadyTime until, std::function<void(Status)> begun) {
  store_.run<store::LeaseRecord>(
      [what, self = membership_.self()](store::Database& database) -> Result<store::LeaseRecord> {
        const auto now = database.now();
        if (!now) return now.error();
        return store::Members(database).hold(what, self, *now, *now + time_max.count());
      },
      [this, alive = alive_, what, until, begun = std::move(begun)](const Result<store::LeaseRecord>& lease) {
        if (!*alive) return;
        if (!lease) return begun(lease.error());
        const auto self = membership_.self();
        if (lease->member == self.name && lease->boot == self.boot) return begun(Done{});
        if (loop_.steady_now() >= until) {
          return begun(
              Error{Error::Kind::unavailable, fmt::format("the platform {} is at it (try again)", lease->member)});
        }
        loop_.after(look_interval, [this, alive, what, until, begun] {
          if (*alive) ask(what, until, begun);
        });
      });
}

void Turns::end(const std::string& what) {
  store_.run<Done>([what, self = membership_.self()](
                       store::Database& database) { return store::Members(database).let_go(what, self); },
                   [](const Status&) {});  // of one that is not told the turn ends by itself
}

}  // namespace millrace::cluster
