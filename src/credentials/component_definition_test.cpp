#include "credentials/component_definition.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "support/credential_site.hpp"

using namespace millrace;
using component::Field;
using credentials::Grant;
using tests::CredentialSite;

namespace {

component::Function shop(bool oauth2) {
  component::Function function;
  auto& it = function.descriptor;
  it.component = "shop";
  it.name = "order";
  it.program.emplace().environment = {{"SHOP_CLIENT_ID", "from-the-environment"}};
  auto& form = it.credential_form.emplace();
  form.fields = {{.name = "apiKey", .type = Field::Type::secret, .summary = "The key.", .required = true},
                 {.name = "region", .type = Field::Type::choice, .summary = "Where.", .choices = {"eu", "us"}},
                 {.name = "test", .type = Field::Type::boolean, .summary = "Not for real.", .default_json = "false"}};
  if (!oauth2) return function;
  form.token_field = "oauth";
  auto& way = form.oauth2.emplace();
  way.authorization_url = "https://{{region}}.id.example.com/authorize";
  way.token_url = "https://{{region}}.id.example.com/token";
  way.client_id = "{{SHOP_CLIENT_ID}}";
  way.client_secret = "{{SHOP_CLIENT_SECRET}}";
  way.scope = "read offline";
  way.authorization_parameters = {{"prompt", "consent"}};
  return function;
}

Result<credentials::Definition> read(const component::Catalogue& catalogue, const char* text) {
  return credentials::read_definition(boost::json::parse(text).as_object(), &catalogue);
}

std::string error_of(const component::Catalogue& catalogue, const char* text) {
  const auto definition = read(catalogue, text);
  return definition ? "" : definition.error().message;
}

}  // namespace

TEST_CASE("a component's credential has its fields, with defaults, and keeps the secret ones apart") {
  const component::Catalogue catalogue({shop(false)});
  const auto definition =
      read(catalogue, R"({"type":"component","component":"shop","fields":{"apiKey":17,"region":"eu"}})");
  REQUIRE(definition);
  CHECK(boost::json::serialize(definition->settings) ==
        R"({"component":"shop","fields":{"region":"eu","test":false},"secret_fields":["apiKey"]})");
  CHECK(boost::json::serialize(definition->secrets) == R"({"fields":{"apiKey":"17"}})");
}

TEST_CASE("what a component does not ask for is an error that names the field and the mend") {
  const component::Catalogue catalogue({shop(false)});
  CHECK(error_of(catalogue, R"({"type":"component","component":"shop"})") == "\"fields.apiKey\" is missing: The key.");
  CHECK(error_of(catalogue, R"({"type":"component","component":"shop","fields":{"apiKey":"k","pin":"1"}})") ==
        "\"fields.pin\" is not a field; there are apiKey, region, test");
  CHECK(error_of(catalogue, R"({"type":"component","component":"shop","fields":{"apiKey":"k","region":"mars"}})") ==
        "\"fields.region\" must be one of eu, us");
  CHECK(error_of(catalogue, R"({"type":"component","component":"shp"})") ==
        "\"component\" names shp, which is not installed (did you mean \"shop\"?)");
  CHECK(error_of(catalogue, R"({"type":"component","component":"shop","fields":{"apiKey":"k"},"scope":"x"})") ==
        "\"scope\" is about OAuth 2.0, which component.json of shop does not use");
  CHECK(error_of(component::Catalogue({}), R"({"type":"component","component":"shop"})") ==
        "\"component\" names shop, and no component here asks for a credential");
}

TEST_CASE("OAuth 2.0 is as component.json says, its templates filled from fields and the component's environment") {
  const component::Catalogue catalogue({shop(true)});
  const auto definition = read(catalogue, R"({"type":"component","component":"shop","client_secret":"mine",
    "fields":{"apiKey":"k","region":"us"}})");
  REQUIRE(definition);
  const auto& settings = definition->settings;
  CHECK(settings.at("token_url") == "https://us.id.example.com/token");
  CHECK(settings.at("authorization_url") == "https://us.id.example.com/authorize");
  CHECK(settings.at("client_id") == "from-the-environment");
  CHECK(settings.at("scope") == "read offline");
  CHECK(settings.at("authorization_parameters").at("prompt") == "consent");
  CHECK(definition->secrets.at("client_secret") == "mine");
  CHECK(error_of(catalogue, R"({"type":"component","component":"shop","fields":{"apiKey":"k","region":"us"}})") ==
        "\"client_secret\" is missing: component.json takes it from {{SHOP_CLIENT_SECRET}}, which is neither a field "
        "that "
        "is given nor a variable of shop (install it with --env SHOP_CLIENT_SECRET=…)");
}

TEST_CASE("a token of the component's own OAuth 2.0 is had by authorization, and told with what else was answered") {
  CredentialSite site;
  site.catalogue = component::Catalogue({shop(true)});
  site.put("eu",
           R"({"type":"component","component":"shop","client_secret":"s","fields":{"apiKey":"k","region":"eu"}})");
  REQUIRE(site.shelf->find("eu")->grant() == Grant::authorization_code);
  CHECK(site.shelf->find("eu")->state == credentials::State::authorization_needed);
  std::string url;
  site.visits->begin("eu", "http://localhost/cb", "test", [&](const auto& begun) { url = begun->authorization_url; });
  CHECK(url.starts_with("https://eu.id.example.com/authorize?"));
  site.visits->end({url.substr(url.find("state=") + 6, 43), "code", "", ""}, [](const auto& done) { REQUIRE(done); });
  site.server.answer(200, R"({"access_token":"first","refresh_token":"r","expires_in":60,"instance_url":"https://i"})");
  site.start();
  const auto told = site.ask("eu");
  REQUIRE(**told);
  const auto& token = (**told)->token;
  CHECK(token.at("access_token") == "first");
  CHECK(token.at("refresh_token") == "r");
  CHECK(token.at("undefined_params").at("instance_url") == "https://i");
  CHECK((**told)->fields.at("apiKey") == "k");
  CHECK((**told)->secret_fields == std::vector<std::string>{"apiKey"});
}

TEST_CASE("what a component has got anew is checked, on disk before it is told, and another generation") {
  CredentialSite site;
  site.catalogue = component::Catalogue({shop(true)});
  site.put("eu",
           R"({"type":"component","component":"shop","client_secret":"s","fields":{"apiKey":"k","region":"eu"}})");
  const auto take = [&](const char* keys) {
    Status taken = Error{Error::Kind::io, "not told"};
    site.keys->take("eu", "shop", boost::json::parse(keys).as_object(), "test", [&](const Status& s) { taken = s; });
    return taken;
  };
  CHECK(take(R"({"pin":"1"})").error().message == "\"fields.pin\" is not a field; there are apiKey, region, test");
  CHECK(take(R"({"apiKey":null})").error().message == "\"fields.apiKey\" is missing: The key.");
  CHECK(take(R"({"oauth":{"refresh_token":"x"}})").error().message ==
        "\"oauth\" must be an object with an access_token");
  CHECK(take(R"({"apiKey":"k"})"));
  CHECK(site.shelf->find("eu")->generation == 0);

  REQUIRE(take(R"({"apiKey":"new","region":"us","oauth":{"access_token":"own","expires_in":60}})"));
  site.start();
  const auto told = site.ask("eu");
  REQUIRE(**told);
  CHECK((**told)->fields.at("apiKey") == "new");
  CHECK((**told)->fields.at("region") == "us");
  CHECK((**told)->secret == "own");
  CHECK((**told)->generation != "1.0");
  CHECK(site.shelf->find("eu")->settings.at("token_url") == "https://eu.id.example.com/token");
}
