#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "flow/document.hpp"
#include "jsonata/expression.hpp"

namespace millrace::flow_tests {

/// A field of a test file that says something of one part of a recorded thing: of a message's body, a request's url.
struct PartField {
  enum class How {
    equal,     ///< the same JSON value
    contains,  ///< of an object the members named, each of them again so; of a list every item; else the same value
    pattern,   ///< text in which `*` stands for any run of characters
  };
  std::string_view field;  ///< as it stands in the file: "body_contains"
  std::string_view part;   ///< of the recorded thing: "body"
  How how = How::equal;
  enum class Type { any, text, integer, mapping, headers, list } type = Type::any;  ///< headers: names in any case
  std::string_view summary;
};

/// The kinds of things that a run records, and what may be said of each. `that` may stand beside the parts always.
using Parts = std::vector<PartField>;
const Parts& message_parts();      ///< what goes into a step or comes out of it
const Parts& request_parts();      ///< HTTP requests
const Parts& mail_parts();         ///< mails
const Parts& dead_letter_parts();  ///< what could not be processed
const Parts& answer_parts();       ///< what a webhook's caller was told

/// A JSONata expression that must be true of something, and where it stands.
struct Condition {
  jsonata::Expression expression;
  std::size_t offset = 0;
  std::string path;
};

/// What is said of one recorded thing.
struct Expected {
  struct Check {
    PartField field;
    boost::json::value wanted;
    flow::NodePtr written;  ///< the value in the file: the place of a difference
    std::string path;       ///< "cases[0].expect.steps.shape.outputs[0].body"
  };
  std::vector<Check> checks = {};
  std::optional<Condition> that = {};
  std::size_t offset = 0;
  std::string path = {};
};

/// How many there must be, or each of them, in order.
struct ExpectedList {
  std::size_t count = 0;
  std::optional<std::vector<Expected>> items = {};
  std::size_t offset = 0;
  std::string path = {};
};

}  // namespace millrace::flow_tests
