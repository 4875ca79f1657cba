#include "credentials/definition.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace millrace;
using credentials::read_definition;

namespace {

std::string fault(const char* given) {
  const auto read = read_definition(boost::json::parse(given).as_object());
  return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE("a definition is split into what is shown and what is sealed") {
  const auto read =
      read_definition(boost::json::parse(R"({"type":"basic","username":"ada","password":"lovelace"})").as_object());
  REQUIRE(read);
  CHECK(read->settings == boost::json::parse(R"({"username":"ada"})"));
  CHECK(read->secrets == boost::json::parse(R"({"password":"lovelace"})"));
}

TEST_CASE("an API key that says nothing else goes into X-API-Key") {
  const auto read = read_definition(boost::json::parse(R"({"type":"api_key","key":"k"})").as_object());
  REQUIRE(read);
  CHECK(read->settings == boost::json::parse(R"({"header":"X-API-Key"})"));
}

TEST_CASE("what is wrong with a definition is named by its field, never by a value") {
  CHECK(fault(R"({})").find("\"type\" must be one of basic, bearer") == 0);
  CHECK(fault(R"({"type":"magic"})").find("\"type\" must be one of") == 0);
  CHECK(fault(R"({"type":"basic","username":"ada"})").find("\"password\" is missing") == 0);
  CHECK(fault(R"({"type":"bearer","token":""})") == "\"token\" must not be empty");
  CHECK(fault(R"({"type":"bearer","token":"a\nb"})").find("must be one line") != std::string::npos);
  CHECK(fault(R"({"type":"bearer","token":7})") == "\"token\" must be text");
  CHECK(fault(R"({"type":"bearer","password":"hunter22"})").find("hunter22") == std::string::npos);
  CHECK(fault(R"({"type":"basic","username":"a:b","password":"x"})").find("colon") != std::string::npos);
  CHECK(fault(R"({"type":"api_key","key":"k","header":"H","query":"q"})").find("keep one") != std::string::npos);
  CHECK(fault(R"({"type":"api_key","key":"k","header":"no good"})").find("name of a header") != std::string::npos);
  CHECK(fault(R"({"type":"webhook_secret","secret":"whsec_???"})").find("Base64") != std::string::npos);
  const auto* url = R"({"type":"oauth2_client_credentials","token_url":"ftp://x","client_id":"i","client_secret":"s"})";
  CHECK(fault(url).find("\"token_url\" must be an https://") == 0);
}
