#include "components/http/authorized_calls.hpp"

#include <deque>

#include <doctest/doctest.h>

using namespace millrace;
using component::CredentialType;
using component::Login;
using components::AuthorizedCalls;
using components::StepCall;

namespace {

/// Answers each call with the next of its answers, at once.
class Service final : public io::Transfers {
 public:
  struct Seen {
    std::vector<io::HttpCall>& calls;
    std::deque<io::HttpAnswer>& answers;
  };
  explicit Service(Seen seen) : seen_(seen) {}
  void http(io::HttpCall call, HttpDone done) override {
    seen_.calls.push_back(std::move(call));
    auto answer = std::move(seen_.answers.front());
    seen_.answers.pop_front();
    done(std::move(answer));
  }
  void mail(io::MailCall, MailDone) override {}

 private:
  Seen seen_;
};

/// Tells the next of its logins after a refusal.
class Credential final : public component::CredentialSource {
 public:
  explicit Credential(std::deque<Result<Login>> logins) : logins_(std::move(logins)) {}
  void login(Done done) override { done(logins_.front()); }
  void refused(const Login&, Done done) override {
    if (logins_.size() > 1) logins_.pop_front();
    done(logins_.front());
  }

 private:
  std::deque<Result<Login>> logins_;
};

Login login(CredentialType type, const std::string& secret, const std::string& generation = "1") {
  return {type, "ada", secret, "", "", generation};
}

struct Site {
  std::vector<io::HttpCall> calls;
  std::deque<io::HttpAnswer> answers;

  Result<io::HttpAnswer, component::Outcome> send(component::CredentialSource* credential, StepCall call = {}) {
    if (call.http.url.empty()) call.http.url = "https://crm.example.com/orders?a=1#top";
    AuthorizedCalls sender(std::make_unique<Service>(Service::Seen{calls, answers}), credential);
    std::optional<Result<io::HttpAnswer, component::Outcome>> told;
    sender.send(std::move(call), "GET https://crm.example.com/orders", [&](auto result) { told = std::move(result); });
    return *told;
  }
};

}  // namespace

TEST_CASE("each type of credential is shown as its specification says") {
  Site site;
  site.answers.resize(4, {200, "", "{}", ""});
  Credential basic({login(CredentialType::basic, "lovelace")});
  REQUIRE(site.send(&basic));
  CHECK(site.calls[0].headers == std::vector<std::string>{"Authorization: Basic YWRhOmxvdmVsYWNl"});
  Credential token({login(CredentialType::oauth2_client_credentials, "t0ken")});
  REQUIRE(site.send(&token));
  CHECK(site.calls[1].headers == std::vector<std::string>{"Authorization: Bearer t0ken"});
  auto key = login(CredentialType::api_key, "k ey");
  key.query = "api key";
  Credential in_query({key});
  REQUIRE(site.send(&in_query));
  CHECK(site.calls[2].url == "https://crm.example.com/orders?a=1&api%20key=k%20ey#top");
  key.header = "X-Key";
  Credential in_header({key});
  StepCall redirected;
  redirected.http.redirects_max = 5;
  REQUIRE(site.send(&in_header, redirected));
  CHECK(site.calls[3].headers == std::vector<std::string>{"X-Key: k ey"});
  CHECK(site.calls[3].redirects_max == 0);
}

TEST_CASE("a call to where a response has led carries no login") {
  Site site;
  site.answers.resize(1, {200, "", "{}", ""});
  Credential token({login(CredentialType::bearer, "t0ken")});
  StepCall elsewhere;
  elsewhere.to_configured_host = false;
  REQUIRE(site.send(&token, elsewhere));
  CHECK(site.calls[0].headers.empty());
}

TEST_CASE("a refused secret is followed by the next one, once, and by itself not at all") {
  Site site;
  site.answers = {{401, "", "", ""}, {200, "", "{}", ""}};
  Credential renewed({login(CredentialType::bearer, "old", "1"), login(CredentialType::bearer, "new", "2")});
  const auto answer = site.send(&renewed);
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(site.calls.at(1).headers == std::vector<std::string>{"Authorization: Bearer new"});
  site.answers = {{401, "", "", ""}, {401, "", "", ""}};
  Credential always_new({login(CredentialType::bearer, "1", "1"), login(CredentialType::bearer, "2", "2"),
                         login(CredentialType::bearer, "3", "3")});
  CHECK(site.send(&always_new)->status == 401);
  CHECK(site.calls.size() == 4);
  site.answers = {{401, "", "", ""}};
  Credential same({login(CredentialType::bearer, "1", "1")});
  CHECK(site.send(&same)->status == 401);
  CHECK(site.calls.size() == 5);
}

TEST_CASE("a service that echoes the secret does not get it into a message") {
  Site site;
  site.answers = {{422, "X-Echo: Bearer t0ken-of-mine\r\n", R"({"you sent":"Bearer t0ken-of-mine"})", ""}};
  Credential token({login(CredentialType::bearer, "t0ken-of-mine")});
  const auto answer = site.send(&token);
  REQUIRE(answer);
  CHECK(answer->body == R"({"you sent":"Bearer [redacted]"})");
  CHECK(answer->header_lines.find("t0ken") == std::string::npos);
}

TEST_CASE("without a login the message is tried again later, and the code says why") {
  Site site;
  const auto code = [&](Error::Kind kind) {
    Credential none({Result<Login>(Error{kind, "why"})});
    const auto result = site.send(&none);
    CHECK(result.error().kind == component::Outcome::Kind::rebound);
    return result.error().failure.code;
  };
  CHECK(code(Error::Kind::not_found) == "credential.missing");
  CHECK(code(Error::Kind::permission) == "credential.authorization_needed");
  CHECK(code(Error::Kind::unavailable) == "credential.unavailable");
  CHECK(site.calls.empty());
}
