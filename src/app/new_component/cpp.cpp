#include "app/new_component.hpp"

namespace millrace::app {

std::vector<NewFile> new_cpp_component() {
  return {
      {"component.json", R"text({
  "title": "@NAME@",
  "version": "1.0.0",
  "protocol": "lines",
  "command": ["./component"],
  "actions": {
    "shout": {
      "title": "Shout",
      "description": "Says the text of a message louder.",
      "fields": {
        "mark": { "viewClass": "TextFieldView", "label": "What stands at the end", "required": false }
      },
      "metadata": {
        "in": { "type": "object", "properties": { "text": { "type": "string", "required": true } } },
        "out": { "type": "object", "properties": { "text": { "type": "string" } } }
      }
    }
  }
}
)text"},
      {"Makefile", R"text(# Needs g++ and Boost.JSON (Debian: libboost1.81-dev).
CXXFLAGS += -std=c++20 -O2 -Wall -Wextra

component: main.cpp shout.hpp
	$(CXX) $(CXXFLAGS) -o $@ main.cpp

shout_test: shout_test.cpp shout.hpp
	$(CXX) $(CXXFLAGS) -o $@ shout_test.cpp

test: component shout_test
	./shout_test
	echo '{"id":"m-1","function":"shout","config":{},"message":{"body":{"text":"hello"}}}' | ./component | grep -q HELLO

.PHONY: test
)text"},
      {"shout.hpp", R"text(#pragma once

#include <cctype>
#include <stdexcept>
#include <string>

#include <boost/json.hpp>

/// The body of the message that goes on. Throws what can never succeed: the message becomes a dead letter.
inline boost::json::object shout(const boost::json::object& body, const boost::json::object& config) {
  const auto* text = body.if_contains("text");
  if (text == nullptr || !text->is_string()) throw std::runtime_error("there is no text");
  std::string loud(text->get_string());
  for (char& c : loud) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (const auto* mark = config.if_contains("mark"); mark != nullptr && mark->is_string()) loud += mark->get_string();
  return {{"text", loud}};
}
)text"},
      {"main.cpp",
       R"text(// A component of Millrace: one line of JSON in for each message, any number out, the last of them end, error or rebound.
#include <iostream>

#include <boost/json/src.hpp>

)text"
       "#include"
       R"text( "shout.hpp"

namespace json = boost::json;

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto given = json::parse(line).as_object();
    const auto& id = given.at("id");
    try {
      const auto body = shout(given.at("message").at("body").as_object(), given.at("config").as_object());
      std::cout << json::object{{"id", id}, {"data", body}} << '\n' << json::object{{"id", id}, {"end", true}} << std::endl;
    } catch (const std::exception& error) {
      std::cout << json::object{{"id", id}, {"error", error.what()}} << std::endl;
    }
  }
}
)text"},
      {"shout_test.cpp", R"text(#include <cstdlib>
#include <iostream>

#include <boost/json/src.hpp>

)text"
                         "#include"
                         R"text( "shout.hpp"

namespace {

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << '\n';
  std::exit(1);
}

bool throws(const boost::json::object& body) {
  try {
    shout(body, {});
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

int main() {
  check(shout({{"text", "hello"}}, {{"mark", "!"}}).at("text").as_string() == "HELLO!", "a text is said louder");
  check(throws({}), "a message without text is an error");
}
)text"}};
}

}  // namespace millrace::app
