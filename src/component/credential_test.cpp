#include "component/credential.hpp"

#include <doctest/doctest.h>

#include "component/base64.hpp"

using namespace millrace;
using component::CredentialType;
using component::Login;
using component::redacted;

TEST_CASE("a login is told as JSON and read again") {
  const Login told{CredentialType::api_key, "", "k\"ey", "X-Key", "", "3.1", std::chrono::milliseconds(1'500)};
  const auto read = Login::from_json(told.to_json());
  REQUIRE(read);
  CHECK(read->type == CredentialType::api_key);
  CHECK(read->secret == "k\"ey");
  CHECK(read->header == "X-Key");
  CHECK(read->generation == "3.1");
  CHECK(read->valid_for == std::chrono::milliseconds(1'500));
  for (const auto* text : {"", "[]", "{}", R"({"type":"magic"})"}) CHECK(!Login::from_json(text));
}

TEST_CASE("a secret is taken out of a text in whatever form it was sent") {
  const Login token{CredentialType::bearer, "", "to/ken \"7\"!", "", "", "1"};
  CHECK(redacted("Bearer to/ken \"7\"!, done", token) == "Bearer [redacted], done");
  CHECK(redacted(R"({"a":"to/ken \"7\"!"})", token) == R"({"a":"[redacted]"})");
  CHECK(redacted("https://x?key=to%2Fken%20%227%22%21&b", token) == "https://x?key=[redacted]&b");
  const Login user{CredentialType::basic, "ada", "short", "", "", "1"};
  CHECK(redacted("Basic " + component::base64_encoded("ada:short") + " is short", user) == "Basic [redacted] is short");
  CHECK(redacted("nothing to hide", token) == "nothing to hide");
}

TEST_CASE("each type has a name, and is found by it") {
  for (const auto type : component::credential_types()) CHECK(component::credential_type(to_string(type)) == type);
  CHECK(!component::credential_type("magic"));
}
