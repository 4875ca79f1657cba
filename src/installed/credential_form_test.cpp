#include "installed/credential_form.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace millrace;
using component::CredentialType;
using installed::ComponentFile;

namespace {

ComponentFile file_with(const char* fields, const char* oauth2 = "{}", std::vector<std::string> auth_clients = {}) {
  ComponentFile file;
  file.credential_fields = boost::json::parse(fields).as_object();
  file.oauth2 = boost::json::parse(oauth2).as_object();
  file.auth_client_types = std::move(auth_clients);
  return file;
}

constexpr const char* with_token = R"({"oauth": {"viewClass": "OAuthFieldView", "required": true},
                                       "shop": {"viewClass": "TextFieldView", "required": true}})";

}  // namespace

TEST_CASE("a component that asks for nothing takes no credential") {
  CHECK(!installed::credential_form_of(file_with("{}")));
  CHECK(installed::credential_types_of(file_with("{}")).empty());
}

TEST_CASE("with OAuth 2.0 nobody gives the token, and the field of its view class is where it goes") {
  const auto form = installed::credential_form_of(file_with(with_token, R"({"token_uri": "https://id/token",
    "auth_uri": "https://id/auth", "client_id": "{{ID}}", "scopes": ["read", "write"], "prompt": "consent",
    "numbers": 1})"));
  REQUIRE(form);
  REQUIRE(form->fields.size() == 1);
  CHECK(form->fields.front().name == "shop");
  CHECK(form->token_field == "oauth");
  REQUIRE(form->oauth2);
  CHECK(form->oauth2->scope == "read write");
  CHECK(form->oauth2->client_id == "{{ID}}");
  CHECK(form->oauth2->authorization_parameters == boost::json::object{{"prompt", "consent"}});
}

TEST_CASE("without OAuth 2.0 of its own the token is a field, and secret as all that has parts") {
  const auto form = installed::credential_form_of(file_with(with_token));
  REQUIRE(form);
  REQUIRE(form->find("oauth") != nullptr);
  CHECK(component::CredentialForm::is_secret(*form->find("oauth")));
  CHECK(!component::CredentialForm::is_secret(*form->find("shop")));
  CHECK(form->token_field == "oauth");
}

TEST_CASE("authClientTypes are the types of credential that there are here") {
  const auto types = installed::credential_types_of(file_with("{}", "{}", {"noauth", "basic", "api_key", "oauth2"}));
  CHECK(types == std::vector{CredentialType::component, CredentialType::basic, CredentialType::api_key,
                             CredentialType::oauth2_client_credentials, CredentialType::oauth2_authorization_code});
}
