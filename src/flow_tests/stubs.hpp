#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "flow_tests/file/test_file.hpp"

namespace millrace::flow_tests {

/// The world outside as a case describes it: which answer comes next. Of the stubs that fit a call the first answers
/// that still has an answer.
class Stubs {
 public:
  /// The case outlives it.
  explicit Stubs(const std::vector<Stub>& stubs);

  /// The answer to a request (with method and url) or a mail (with smtp), `now` after the case began; nullptr: no stub
  /// has one.
  const StubAnswer* answer(Stub::Kind kind, const std::string& step, const boost::json::object& request,
                           milliseconds now);

 private:
  struct Place {
    const Stub* stub;
    std::size_t answer = 0;   ///< that comes next
    std::uint32_t given = 0;  ///< how often it was given
  };

  static bool fits(const Stub& stub, const std::string& step, const boost::json::object& request);
  static const StubAnswer* next(Place& place, milliseconds now);

  std::vector<Place> places_;
};

}  // namespace millrace::flow_tests
