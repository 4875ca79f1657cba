#include "history/redaction.hpp"

#include <doctest/doctest.h>

namespace millrace::history {
namespace {

std::string redacted(std::string_view json, const std::vector<std::string>& more = {}) {
  std::string out;
  const bool found = Redaction(more).apply(json, out);
  CHECK(found == (out != json));
  return out;
}

TEST_CASE("the usual names are redacted at any depth, whatever their case and separators") {
  CHECK(redacted(R"({"user":"ada","Password":"x\"y","n":1})") == R"({"user":"ada","Password":"[redacted]","n":1})");
  CHECK(redacted(R"({"a":[{"apiKey": {"v":["}",1]}},{"API-KEY":7}],"set_cookie" : null})") ==
        R"({"a":[{"apiKey": "[redacted]"},{"API-KEY":"[redacted]"}],"set_cookie" : "[redacted]"})");
}

TEST_CASE("text that only looks like a secret stays") {
  for (const auto* text : {R"({"note":"password: x"})", R"(["password","x"])", R"({"passwords_count":3})",
                           R"({"a":"\\","b":"\"password\":1"})", R"("password")", "1", ""}) {
    CHECK(redacted(text) == text);
  }
}

TEST_CASE("a flow's own names are meant anywhere, its paths only where they lead") {
  const std::vector<std::string> own = {"iban", "body.customer.email"};
  CHECK(redacted(R"({"body":{"IBAN":"DE1","customer":{"email":"a","name":"b"},"email":"c"}})", own) ==
        R"({"body":{"IBAN":"[redacted]","customer":{"email":"[redacted]","name":"b"},"email":"c"}})");
  CHECK(
      redacted(R"({"body":{"customer":[{"email":1},{"x":{"email":2}},{"email":3}]},"customer":{"email":4}})", own) ==
      R"({"body":{"customer":[{"email":"[redacted]"},{"x":{"email":2}},{"email":"[redacted]"}]},"customer":{"email":4}})");
}

}  // namespace
}  // namespace millrace::history
