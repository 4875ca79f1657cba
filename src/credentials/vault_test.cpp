#include "credentials/vault.hpp"

#include <doctest/doctest.h>

using namespace millrace;
using credentials::Key;
using credentials::Vault;

TEST_CASE("what a vault has sealed it opens, each time in other bytes, and the text is not in them") {
  const Vault vault(Key::random());
  const auto sealed = vault.seal("the password", "credential/crm");
  CHECK(*vault.open(sealed, "credential/crm") == "the password");
  CHECK(vault.seal("the password", "credential/crm") != sealed);
  CHECK(sealed.find("password") == std::string::npos);
  CHECK(*vault.open(vault.seal("", ""), "") == "");
}

TEST_CASE("another key, another purpose and changed bytes open nothing") {
  const Vault vault(Key::random());
  const auto sealed = vault.seal("the password", "credential/crm");
  CHECK(!Vault(Key::random()).open(sealed, "credential/crm"));
  CHECK(!vault.open(sealed, "credential/erp"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(!vault.open(changed, "credential/crm"));
    CHECK(!vault.open(sealed.substr(0, i), "credential/crm"));
  }
}

TEST_CASE("a key is read from Base64 and from hexadecimal digits, and from nothing else") {
  const auto key = Key::random();
  const Vault vault(key);
  const auto sealed = vault.seal("text", "x");
  CHECK(*Vault(*Key::parse(key.text() + "\n")).open(sealed, "x") == "text");
  const auto zeros = Key::parse(std::string(64, '0'));
  REQUIRE(zeros);
  CHECK(zeros->text() == std::string(43, 'A') + "=");
  for (const auto* text : {"", "short", "0000", "not base64 at all, but thirty-two bytes"}) CHECK(!Key::parse(text));
  CHECK(!Key::parse(std::string(63, '0')));
  CHECK(!Key::parse(std::string(66, '0')));
}
