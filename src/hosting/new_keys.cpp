#include "hosting/new_keys.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "component/platform_request.hpp"

namespace millrace::hosting {
namespace {

using component::PlatformAnswer;

constexpr std::chrono::seconds patience{10};

KeysAnswer read(const Result<PlatformAnswer>& answer) {
  if (!answer) return {503, "the platform does not answer: " + answer.error().message};
  if (answer->status == 204) return {200};
  boost::system::error_code failed;
  const auto body = boost::json::parse(answer->body, failed);
  const auto* object = failed ? nullptr : body.if_object();
  const auto* detail = object == nullptr ? nullptr : object->if_contains("detail");
  const bool says = detail != nullptr && detail->is_string();
  return {answer->status,
          says ? std::string(detail->get_string()) : fmt::format("the platform answered {}", answer->status)};
}

}  // namespace

void keep_keys(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
               component::CredentialSource& source, std::string_view keys,
               std::function<void(const KeysAnswer&)> done) {
  component::PlatformQuestion question{"PUT", component::task_path(environment) + "/credential",
                                       fmt::format(R"({{"keys":{}}})", keys)};
  component::ask_platform(loop, environment, std::move(question), patience,
                          [&source, done = std::move(done)](const Result<PlatformAnswer>& answer) {
                            const auto read_answer = read(answer);
                            if (read_answer.status == 200) source.changed();
                            done(read_answer);
                          });
}

}  // namespace millrace::hosting
