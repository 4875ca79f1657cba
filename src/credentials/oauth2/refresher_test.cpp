#include "credentials/oauth2/refresher.hpp"

#include <doctest/doctest.h>

#include "support/credential_site.hpp"

using namespace millrace;
using credentials::State;
using tests::CredentialSite;

namespace {

constexpr const char* client = R"({"type":"oauth2_client_credentials","token_url":"https://id.example.com/token",
  "client_id":"millrace","client_secret":"client secret","scope":"read"})";
constexpr const char* code = R"({"type":"oauth2_authorization_code","token_url":"https://id.example.com/token",
  "authorization_url":"https://id.example.com/authorize?tenant=7","client_id":"millrace","scope":"read write"})";

std::string tokens(const std::string& access, int expires_in, const std::string& refresh = "") {
  auto text =
      "{\"access_token\":\"" + access + "\",\"token_type\":\"Bearer\",\"expires_in\":" + std::to_string(expires_in);
  if (!refresh.empty()) text += ",\"refresh_token\":\"" + refresh + "\"";
  return text + "}";
}

/// A credential that somebody has agreed to.
void authorize(CredentialSite& site, const std::string& answer) {
  site.put("crm", code);
  credentials::oauth2::Visits::Begun begun;
  site.visits->begin("crm", "http://localhost/oauth2/callback", "test", [&](const auto& visit) { begun = *visit; });
  const auto state = begun.authorization_url.substr(begun.authorization_url.find("state=") + 6, 43);
  bool authorized = false;
  site.visits->end({state, "the code", "", ""}, [&](const auto& name) { authorized = bool(name); });
  site.server.answer(200, answer);
  REQUIRE(authorized);
}

}  // namespace

TEST_CASE("many workers that ask at once get one token from one request") {
  CredentialSite site;
  site.put("crm", client);
  std::vector<CredentialSite::Told> all;
  for (int i = 0; i < 10; ++i) all.push_back(site.ask("crm"));
  REQUIRE(site.server.total == 1);
  const auto& call = site.server.asked.front().call;
  CHECK(*call.body == "grant_type=client_credentials&scope=read");
  CHECK(std::ranges::count(call.headers, "Authorization: Basic bWlsbHJhY2U6Y2xpZW50JTIwc2VjcmV0") == 1);
  site.server.answer(200, tokens("first", 3600));
  for (const auto& told : all) {
    REQUIRE(*told);
    CHECK((**told)->secret == "first");
  }
  CHECK((**site.ask("crm"))->secret == "first");
  CHECK(site.server.total == 1);
}

TEST_CASE("a token is refreshed before it expires, and a late server is waited for with the old one") {
  CredentialSite site;
  site.put("crm", client);
  site.ask("crm");
  site.server.answer(200, tokens("first", 100));
  site.loop.run_for(std::chrono::seconds(74));
  CHECK((**site.ask("crm"))->secret == "first");
  site.loop.run_for(std::chrono::seconds(2));
  const auto told = site.ask("crm");
  CHECK(!*told);
  site.server.answer(503, "");
  CHECK((**told)->secret == "first");
  site.loop.run_for(std::chrono::seconds(30));
  const auto late = site.ask("crm");
  site.server.answer(200, tokens("second", 100));
  CHECK((**late)->secret == "second");
}

TEST_CASE("after a service has refused a token it is refreshed once, whoever else was refused it") {
  CredentialSite site;
  site.put("crm", client);
  site.ask("crm");
  site.server.answer(200, tokens("first", 3600));
  const auto old = (**site.ask("crm"))->generation;
  const auto one = site.ask("crm", old);
  const auto two = site.ask("crm", old);
  CHECK(site.server.total == 2);
  site.server.answer(200, tokens("second", 3600));
  CHECK((**one)->secret == "second");
  CHECK((**two)->secret == "second");
  CHECK((**site.ask("crm", old))->secret == "second");
  const auto next = (**one)->generation;
  CHECK((**site.ask("crm", next))->generation == next);  // refused at once again: the service is at fault
  CHECK(site.server.total == 2);
}

TEST_CASE("what may pass is tried again later and later, and meanwhile told without a request") {
  CredentialSite site;
  site.put("crm", client);
  auto told = site.ask("crm");
  site.server.answer(500, "");
  CHECK((**told).error().kind == Error::Kind::unavailable);
  CHECK(site.shelf->find("crm")->state == State::failing);
  CHECK((**site.ask("crm")).error().message.find("500") != std::string::npos);
  CHECK(site.server.total == 1);
  site.loop.run_for(std::chrono::milliseconds(1'001));
  told = site.ask("crm");
  site.server.answer(401, R"({"error":"invalid_client","error_description":"no such client client secret"})");
  const auto message = (**told).error().message;
  CHECK(message.find("invalid_client") != std::string::npos);
  CHECK(message.find("client secret") == std::string::npos);
  site.loop.run_for(std::chrono::milliseconds(1'500));
  site.ask("crm");
  CHECK(site.server.total == 2);
  site.loop.run_for(std::chrono::milliseconds(600));
  told = site.ask("crm");
  site.server.answer(200, tokens("at last", 3600));
  CHECK((**told)->secret == "at last");
  CHECK(site.shelf->find("crm")->state == State::ready);
  CHECK(site.shelf->find("crm")->problem.empty());
}

TEST_CASE("a refresh token that was replaced is stored before its access token is told") {
  CredentialSite site;
  authorize(site, tokens("first", 100, "refresh 1"));
  CHECK((**site.ask("crm"))->secret == "first");
  site.loop.run_for(std::chrono::seconds(90));
  const auto told = site.ask("crm");
  CHECK(site.server.asked.front().call.body->find("refresh_token=refresh%201") != std::string::npos);
  site.server.answer(200, tokens("second", 100, "refresh 2"));
  CHECK((**told)->secret == "second");
  site.start();
  CHECK((**site.ask("crm"))->secret == "second");
  site.loop.run_for(std::chrono::seconds(90));
  site.ask("crm");
  CHECK(site.server.asked.front().call.body->find("refresh_token=refresh%202") != std::string::npos);
}

TEST_CASE("a platform that ends in the middle of a refresh asks again with what it has stored") {
  CredentialSite site;
  authorize(site, tokens("first", 100, "refresh 1"));
  site.loop.run_for(std::chrono::seconds(90));
  const auto lost = site.ask("crm");
  site.start();
  CHECK(!*lost);
  const auto told = site.ask("crm");
  CHECK(site.server.asked.front().call.body->find("refresh_token=refresh%201") != std::string::npos);
  site.server.answer(200, tokens("second", 100));
  CHECK((**told)->secret == "second");
}

TEST_CASE("a refresh token that is refused asks for a person, and is not tried again until one has agreed") {
  CredentialSite site;
  authorize(site, tokens("first", 100, "refresh 1"));
  site.loop.run_for(std::chrono::seconds(90));
  const auto told = site.ask("crm");
  site.server.answer(400, R"({"error":"invalid_grant"})");
  CHECK((**told).error().kind == Error::Kind::permission);
  CHECK((**told).error().message.find("authorise again") != std::string::npos);
  const auto asked = site.server.total;
  CHECK((**site.ask("crm")).error().kind == Error::Kind::permission);
  site.start();
  CHECK(site.shelf->find("crm")->state == State::authorization_needed);
  CHECK((**site.ask("crm")).error().kind == Error::Kind::permission);
  CHECK(site.server.total == asked);
  authorize(site, tokens("again", 100, "refresh 3"));
  CHECK((**site.ask("crm"))->secret == "again");
}

TEST_CASE("one that is set anew while its token is asked for is asked for anew") {
  CredentialSite site;
  site.put("crm", client);
  const auto told = site.ask("crm");
  site.put("crm", client);
  site.server.answer(200, tokens("of the old one", 3600));
  CHECK(!*told);
  site.server.answer(200, tokens("of the new one", 3600));
  CHECK((**told)->secret == "of the new one");
}

TEST_CASE("a credential that is not there is told, and others need no request") {
  CredentialSite site;
  CHECK((**site.ask("nothing")).error().kind == Error::Kind::not_found);
  site.put("crm", R"({"type":"bearer","token":"abc"})");
  const auto first = **site.ask("crm");
  CHECK(first->secret == "abc");
  CHECK((**site.ask("crm", first->generation))->generation == first->generation);
  site.put("crm", R"({"type":"bearer","token":"def"})");
  CHECK((**site.ask("crm", first->generation))->secret == "def");
  CHECK(site.server.total == 0);
}

TEST_CASE("where platforms share the store a token that another one has got meanwhile is used, and none is asked for") {
  CredentialSite site;
  authorize(site, tokens("first", 100, "refresh one"));
  credentials::Shelf elsewhere(*site.store, credentials::Vault(site.key));
  REQUIRE(elsewhere.load());
  std::function<void(Status)> begun;
  int ended = 0;
  site.logins->take_turns({[&](const std::string&, std::function<void(Status)> told) { begun = std::move(told); },
                           [&](const std::string&) { ++ended; }});
  const auto asked_before = site.server.total;
  site.loop.run_for(std::chrono::seconds(99));
  const auto told = site.ask("crm");
  REQUIRE(begun);
  CHECK(site.server.total == asked_before);

  // The other one's turn: it has used the refresh token, and keeps what it got.
  const auto later = site.loop.wall_now().time_since_epoch().count() + 3'600'000;
  const auto change = [&](credentials::Credential& one) { one.renew({"second", "refresh two", 0, later}); };
  elsewhere.update("crm", elsewhere.find("crm")->revision, change, [](const Status& done) { REQUIRE(done); });
  site.shelf->reload("crm");
  begun(Done{});
  REQUIRE(*told);
  CHECK((**told)->secret == "second");
  CHECK(ended == 1);
  CHECK(site.server.total == asked_before);

  // And one that was late to write down an older one does not overwrite it.
  const auto* stale = elsewhere.find("crm");
  site.shelf->update(
      "crm", stale->revision,
      [&](auto& one) {
        one.renew({"third", "refresh three", 0, later});
      },
      [](const Status& done) { REQUIRE(done); });
  Status failed = Done{};
  elsewhere.update(
      "crm", stale->revision, [](auto& one) { one.state = State::failing; },
      [&](const Status& done) { failed = done; });
  CHECK(failed.error().kind == Error::Kind::stale);
}
