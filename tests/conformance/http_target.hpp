#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::tests {

struct SeenRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string header(std::string_view name) const;
};

struct GivenResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool hang = false;   ///< no answer; the connection stays open
  bool reset = false;  ///< the connection is closed without an answer
};

/// An HTTP/1.1 server on an ephemeral port of 127.0.0.1, on a thread of its own, for tests of what makes requests.
/// `answer` is called on that thread, one request at a time.
class HttpTarget {
 public:
  explicit HttpTarget(std::function<GivenResponse(const SeenRequest&)> answer);
  ~HttpTarget();

  std::string url() const;  ///< http://127.0.0.1:port
  std::vector<SeenRequest> seen() const;
  std::size_t connections() const;
  std::size_t most_at_once() const;  ///< requests that stood open together

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::tests
