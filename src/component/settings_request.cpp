#include "component/settings_request.hpp"

#include <fmt/format.h>

#include "component/platform_request.hpp"

namespace millrace::component {

void request_settings(io::posix::AsioLoop& loop, const WorkerEnvironment& environment,
                      std::function<void(Result<StepSettings>)> done) {
  constexpr std::chrono::seconds patience{10};
  auto place = fmt::format("settings of step {} from {}", environment.step_id, environment.api_uri);
  ask_platform(loop, environment, task_path(environment), patience,
               [place = std::move(place), done = std::move(done)](const Result<PlatformAnswer>& answer) {
                 if (!answer) return done(answer.error().in(place));
                 if (answer->status == 200) return done(StepSettings::from_json(answer->body));
                 const bool refused = answer->status == 401 || answer->status == 403;
                 const auto kind = refused ? Error::Kind::permission : Error::Kind::unavailable;
                 done(Error{kind, fmt::format("the platform answered {}", answer->status)}.in(place));
               });
}

}  // namespace millrace::component
