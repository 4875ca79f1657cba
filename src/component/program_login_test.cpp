#include "component/program_login.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

using namespace millrace::component;
namespace json = boost::json;

namespace {

Login login_of(CredentialType type) {
  Login login;
  login.type = type;
  return login;
}

/// {"type", "credentials"} of the secret, as text.
std::string secret(const Login& login, const std::string& token_field = "") {
  const auto document = json::parse(secret_document("space", "crm", token_field, login));
  CHECK(document.at("data").at("id") == "crm");
  CHECK(document.at("data").at("type") == "auth-secret");
  const auto& attributes = document.at("data").at("attributes");
  return json::serialize(attributes.at("type")) + " " + json::serialize(attributes.at("credentials"));
}

}  // namespace

TEST_CASE("a secret has the kind and the names that elastic.io's components look for") {
  auto basic = login_of(CredentialType::basic);
  basic.username = "ada";
  basic.secret = "lovelace";
  CHECK(secret(basic) == R"("basic" {"username":"ada","password":"lovelace"})");

  auto key = login_of(CredentialType::api_key);
  key.header = "X-Key";
  key.secret = "k";
  CHECK(secret(key) == R"("api_key" {"headerName":"X-Key","headerValue":"k"})");

  auto token = login_of(CredentialType::oauth2_client_credentials);
  token.token = {{"access_token", "a"}, {"undefined_params", {{"instance_url", "https://i"}}}};
  CHECK(secret(token) == R"("oauth2" {"access_token":"a","undefined_params":{"instance_url":"https://i"}})");

  auto own = login_of(CredentialType::component);
  CHECK(secret(own) == R"("noauth" {})");
  own.fields = {{"apiKey", "k"}};
  CHECK(secret(own) == R"("api_key" {"apiKey":"k"})");
  own.fields = {{"username", "ada"}, {"password", "p"}, {"shop", "eu"}};
  CHECK(secret(own) == R"("basic" {"username":"ada","password":"p","shop":"eu"})");
  own.fields = {{"oauth", {{"access_token", "given by hand"}}}};
  CHECK(secret(own, "oauth") == R"("oauth2" {"access_token":"given by hand"})");
}

TEST_CASE("a step's config has the credential's fields, its token and its name in it") {
  auto own = login_of(CredentialType::component);
  own.fields = {{"apiKey", "k"}, {"region", "eu"}};
  own.token = {{"access_token", "a"}};
  CHECK(json::serialize(config_with_login({{"region", "a default"}, {"path", "/x"}}, "crm", "auth", own)) ==
        R"({"region":"eu","path":"/x","apiKey":"k","auth":{"access_token":"a"},"_account":"crm","secretId":"crm"})");
  auto basic = login_of(CredentialType::basic);
  basic.username = "ada";
  CHECK(json::serialize(config_with_login({}, "crm", "auth", basic)) == R"({"_account":"crm","secretId":"crm"})");
}

TEST_CASE("a program over JSON lines is told all types of credential in one form") {
  auto basic = login_of(CredentialType::basic);
  basic.username = "ada";
  basic.secret = "lovelace";
  CHECK(json::serialize(login_for_lines("crm", "", basic)) ==
        R"({"name":"crm","type":"basic","fields":{"username":"ada","password":"lovelace"}})");
  auto own = login_of(CredentialType::component);
  own.fields = {{"pin", "1"}};
  CHECK(json::serialize(login_for_lines("crm", "", own)) ==
        R"({"name":"crm","type":"component","fields":{"pin":"1"}})");
}
