#include "hosting/lines/answer.hpp"

#include <doctest/doctest.h>

using namespace millrace;
using namespace std::chrono_literals;
using hosting::lines::Answer;

TEST_CASE("each kind of line is read") {
  const auto data = Answer::read(R"({"data": {"a": 1}, "headers": {"x": "y"}, "id": "m-1"})");
  REQUIRE(data);
  CHECK(data->id == "m-1");
  CHECK(data->data->body == R"({"a": 1})");
  CHECK(data->data->headers == R"({"x": "y"})");
  CHECK_FALSE(data->is_last());

  CHECK(Answer::read(R"({"snapshot": {"last": 3}})")->snapshot == R"({"last": 3})");
  CHECK(Answer::read(R"({"reply": {"status": 201}})")->reply == R"({"status": 201})");
  CHECK(Answer::read(R"({"credential": {"key": "k"}})")->credential == R"({"key": "k"})");
  CHECK(!Answer::read(R"({"credential": 1})"));
  CHECK(Answer::read(R"({"log": "hello"})")->log == "hello");
  CHECK(Answer::read(R"({"log": "hello", "level": "warning"})")->warns);
  CHECK(Answer::read(R"({"end": true})")->is_last());

  const auto error = Answer::read(R"({"error": {"code": "shop.closed", "message": "come tomorrow", "shop": 7}})");
  CHECK(error->error->code == "shop.closed");
  CHECK(error->error->message == "come tomorrow");
  CHECK(error->error->details.find("\"shop\": 7") != std::string::npos);
  CHECK(error->is_last());
  CHECK(Answer::read(R"({"error": "just words"})")->error->message == "just words");

  const auto rebound = Answer::read(R"({"rebound": "busy", "after": 1.5})");
  CHECK(rebound->rebound == "busy");
  CHECK(rebound->retry_after == 1500ms);
}

TEST_CASE("a line that says nothing or too much is refused with what is wrong") {
  CHECK(Answer::read(R"({"id": "m-1"})").error().message.find("but this has none") != std::string::npos);
  CHECK(Answer::read(R"({"data": 1, "end": true})").error().message.find("but this has several") != std::string::npos);
  CHECK_FALSE(Answer::read(R"({"data": )"));
  CHECK_FALSE(Answer::read(R"([1])"));
  CHECK_FALSE(Answer::read(R"({"snapshot": 3})"));
  CHECK_FALSE(Answer::read(R"({"reply": "text"})"));
  CHECK_FALSE(Answer::read(R"({"rebound": "busy", "after": "soon"})"));
}
