#include "hosting/sailor/references.hpp"

#include <fmt/format.h>

#include "component/json_text.hpp"
#include "component/outbox.hpp"
#include "component/platform_request.hpp"
#include "component/reference.hpp"

namespace millrace::hosting::sailor {
namespace json_text = component::json_text;
using component::PlatformAnswer;

namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::size_t envelope_max = 1u << 20;  // of a message around its body

}  // namespace

std::string reference_of(const component::Message& message) {
  return component::reference_in(message.body(), message.part("headers"));
}

void put_body(component::Emission& emission, std::string body) {
  std::string headers = "{";
  (void)json_text::members(emission.headers, [&](std::string_view name, std::string_view value) {
    if (name == component::reference_header) return;
    if (headers.size() > 1) headers += ',';
    json_text::append_quoted(headers, name);
    headers.append(":").append(value);
  });
  emission.headers = headers + "}";
  emission.body = std::move(body);
}

References::References(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
                       const component::StepSettings& settings, const Cipher& cipher)
    : loop_(loop), environment_(environment), settings_(settings), cipher_(cipher) {}

void References::fetch(const std::string& id, std::function<void(Result<std::optional<std::string>>)> done) const {
  constexpr std::string_view letters_of_ids = "0123456789abcdef-";
  const bool is_ours = settings_.objects && id.find_first_not_of(letters_of_ids) == std::string::npos;
  if (!is_ours) return done(std::optional<std::string>());
  // What is carried on to later steps stands in the message a second time.
  const auto size_max = component::message_size_max / (settings_.passthrough ? 2 : 1) - envelope_max;
  component::PlatformQuestion question;
  question.target = fmt::format("/objects/{}?max={}", id, size_max);
  question.authorization = "Bearer " + settings_.objects->token;
  const auto take = [cipher = cipher_, done = std::move(done)](const Result<PlatformAnswer>& answer) {
    using Body = std::optional<std::string>;
    if (!answer) return done(answer.error());
    if (answer->status == 404 || answer->status == 413) return done(Body());
    if (answer->status != 200) {
      return done(Error{Error::Kind::unavailable, fmt::format("the object storage answered {}", answer->status)});
    }
    auto body = cipher.decrypted(answer->body);
    done(body && json_text::check(*body) ? Body(std::move(*body)) : Body());
  };
  component::ask_platform(loop_, environment_, std::move(question), patience, take);
}

}  // namespace millrace::hosting::sailor
