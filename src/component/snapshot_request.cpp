#include "component/snapshot_request.hpp"

#include <fmt/format.h>

#include "component/platform_request.hpp"

namespace millrace::component {

void save_snapshot(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, const std::string& text,
                   std::function<void(Status)> done) {
  constexpr std::chrono::seconds patience{10};
  PlatformQuestion question{"PUT", task_path(environment) + "/snapshot", text};
  ask_platform(loop, environment, std::move(question), patience,
               [done = std::move(done)](const Result<PlatformAnswer>& answer) {
                 if (!answer) return done(answer.error());
                 if (answer->status >= 200 && answer->status < 300) return done(Done{});
                 done(Error{Error::Kind::unavailable, fmt::format("the platform answered {}", answer->status)});
               });
}

}  // namespace millrace::component
