#include "credentials/oauth2/visits.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <doctest/doctest.h>

#include "credentials/oauth2/random_words.hpp"
#include "support/credential_site.hpp"

using namespace millrace;
using credentials::oauth2::Visits;
using tests::CredentialSite;

namespace {

constexpr const char* code = R"({"type":"oauth2_authorization_code","token_url":"https://id.example.com/token",
  "authorization_url":"https://id.example.com/authorize?tenant=7","client_id":"millrace","scope":"read write",
  "authorization_parameters":{"access_type":"offline"}})";

std::string parameter(const std::string& url, const std::string& name) {
  const auto parsed = boost::urls::parse_uri(url).value();
  const auto found = parsed.params().find(name);
  return found == parsed.params().end() ? "" : std::string((*found).value);
}

std::string begin(CredentialSite& site) {
  std::string url;
  site.visits->begin("crm", "http://localhost:8080/oauth2/callback", "test",
                     [&](const auto& begun) { url = begun->authorization_url; });
  return url;
}

Result<std::string> end(CredentialSite& site, const Visits::Return& back, const std::string& answer = "") {
  Result<std::string> ended = Error{Error::Kind::io, "not told"};
  site.visits->end(back, [&](const Result<std::string>& name) { ended = name; });
  if (!answer.empty()) site.server.answer(200, answer);
  return ended;
}

}  // namespace

TEST_CASE("the challenge of a verifier is that of RFC 7636, appendix B") {
  CHECK(credentials::oauth2::s256_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_CASE("a person is sent to the authorization server with state and challenge, and the code is exchanged") {
  CredentialSite site;
  site.put("crm", code);
  const auto url = begin(site);
  CHECK(parameter(url, "tenant") == "7");
  CHECK(parameter(url, "response_type") == "code");
  CHECK(parameter(url, "client_id") == "millrace");
  CHECK(parameter(url, "scope") == "read write");
  CHECK(parameter(url, "access_type") == "offline");
  CHECK(parameter(url, "code_challenge_method") == "S256");
  site.start();  // the visit outlives the platform's end
  const auto ended =
      end(site, {parameter(url, "state"), "the code", "", ""}, R"({"access_token":"a","expires_in":60})");
  REQUIRE(ended);
  CHECK(*ended == "crm");
  CHECK((**site.ask("crm"))->secret == "a");
}

TEST_CASE("the verifier that is sent with the code fits the challenge") {
  CredentialSite site;
  site.put("crm", code);
  const auto url = begin(site);
  site.visits->end({parameter(url, "state"), "the code", "", ""}, [](const auto&) {});
  const auto& body = *site.server.asked.front().call.body;
  const auto at = body.find("code_verifier=") + 14;
  CHECK(credentials::oauth2::s256_challenge(body.substr(at, 43)) == parameter(url, "code_challenge"));
  CHECK(body.find("client_id=millrace") != std::string::npos);
}

TEST_CASE("a state is good once, for ten minutes, and another is none") {
  CredentialSite site;
  site.put("crm", code);
  CHECK(!end(site, {"", "x", "", ""}));
  CHECK(!end(site, {"made up", "x", "", ""}));
  const auto first = parameter(begin(site), "state");
  const auto second = parameter(begin(site), "state");
  CHECK(!end(site, {first, "x", "", ""}));
  REQUIRE(end(site, {second, "x", "", ""}, R"({"access_token":"a"})"));
  CHECK(!end(site, {second, "x", "", ""}));
  const auto late = parameter(begin(site), "state");
  site.loop.run_for(std::chrono::minutes(10));
  CHECK(!end(site, {late, "x", "", ""}));
}

TEST_CASE("a server that says no is told, and its words carry no control characters") {
  CredentialSite site;
  site.put("crm", code);
  const auto ended = end(site, {parameter(begin(site), "state"), "", "access_denied", "not\ntoday"});
  REQUIRE(!ended);
  CHECK(ended.error().message == "the authorization server says no: access_denied: nottoday");
}
