#include "hosting/sailor/cipher.hpp"

#include <doctest/doctest.h>

#include "component/base64.hpp"

using namespace millrace;
using hosting::sailor::Cipher;

TEST_CASE("a body is what Node's crypto makes of it with the same password and IV") {
  const auto cipher = Cipher::make("testCryptoPassword", "iv=any16_symbols");
  REQUIRE(cipher);
  // node -e 'c=require("crypto");k=c.createHash("sha256").update("testCryptoPassword","utf8").digest();
  //          e=c.createCipheriv("aes-256-cbc",k,"iv=any16_symbols");
  //          console.log(e.update("{\"body\":{}}","utf8","base64")+e.final("base64"))'
  CHECK(component::base64_encoded(cipher->encrypted(R"({"body":{}})")) == "eIMjKyih9h6irN4t/kLziw==");
  CHECK(*cipher->decrypted(cipher->encrypted("")) == "");
  const std::string text(100'000, 'x');
  CHECK(*cipher->decrypted(cipher->encrypted(text)) == text);
}

TEST_CASE("what was made with another password is refused, not misread") {
  const auto ours = Cipher::make("one", "iv=any16_symbols");
  const auto theirs = Cipher::make("other", "iv=any16_symbols");
  CHECK_FALSE(ours->decrypted(theirs->encrypted(R"({"body":{}})")));
  CHECK_FALSE(ours->decrypted("no multiple of a block"));
  CHECK_FALSE(ours->decrypted(""));
  CHECK_FALSE(Cipher::make("one", "short"));
}
