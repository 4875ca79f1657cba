#include "components/http/verify_login.hpp"

#include <fmt/format.h>

#include "component/config.hpp"
#include "components/http/call_maker.hpp"

namespace millrace::components {
namespace {

class HttpLogin final : public component::Verification {
 public:
  HttpLogin(std::unique_ptr<io::Transfers> transfers, component::CredentialSource* credential)
      : calls_(std::move(transfers), credential) {}

  void start(StepCall call, std::function<void(Status)> done) {
    const auto target = "GET " + url_for_people(call.http.url);
    calls_.send(std::move(call), target,
                [target, done = std::move(done)](const Result<io::HttpAnswer, component::Outcome>& answer) {
                  if (!answer) return done(Error{Error::Kind::unavailable, answer.error().failure.message});
                  const bool refused = answer->status == 401 || answer->status == 403 || answer->status == 407;
                  if (!refused && answer->status < 500) return done(Done{});
                  done(Error{Error::Kind::permission, fmt::format("{} answered {}", target, answer->status)});
                });
  }

 private:
  AuthorizedCalls calls_;
};

}  // namespace

Result<std::unique_ptr<component::Verification>> verify_http_login(const component::Descriptor& descriptor,
                                                                   const boost::json::object& given,
                                                                   component::Services& services,
                                                                   std::function<void(Status)> done) {
  const auto config = component::Config::read(descriptor, given);
  if (!config) return config.error();
  if (config->text("url").find("{{") != std::string::npos) {
    return Error{Error::Kind::invalid, "config.url depends on the message: name an address to try the credential on"};
  }
  const auto calls = CallMaker::make(*config, services);
  if (!calls) return calls.error();
  auto call = calls->call("{}", "");
  if (!call) return Error{Error::Kind::invalid, call.error().message};
  auto transfers = services.outside.transfers();
  if (!transfers) return transfers.error();
  auto login = std::make_unique<HttpLogin>(std::move(*transfers), services.credential);
  login->start(std::move(*call), std::move(done));
  return std::unique_ptr<component::Verification>(std::move(login));
}

}  // namespace millrace::components
