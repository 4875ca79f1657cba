#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "core/result.hpp"
#include "io/transfers.hpp"

namespace millrace::app {

/// Which platform a command talks to: the one at a URL, or the one that runs on a data folder, by its control socket.
/// resolve() (contexts.hpp) says which is meant where nothing is given.
struct Server {
  std::string url = {};          ///< "https://millrace.example.com"
  std::string token_file = {};   ///< empty: MILLRACE_TOKEN_FILE, or ~/.config/millrace/token
  std::string data_folder = {};  ///< empty: none was given
  std::string context = {};      ///< name of one; empty: none was given
  std::string token = {};        ///< of the URL; empty: it is looked for
};

struct ApiAnswer {
  int status = 0;
  boost::json::value body;  ///< null if there is none
  std::string etag = {};
};

struct ApiRequest {
  std::string method = "GET";
  std::string target;  ///< path and query, percent-encoded
  std::string body = {};
  std::string content_type = "application/json";
  std::vector<std::string> headers = {};  ///< "Name: value"
};

/// The API for commands. Blocks, at most 30 s a request. An answer that is a problem becomes an Error with its detail:
/// not_found (404), stale (412), conflict (409), permission (401, 403), invalid (other 4xx), unavailable.
class ApiClient {
 public:
  /// Error::permission if others than its owner may read the file with the token.
  static Result<std::unique_ptr<ApiClient>> make(const Server& server);
  virtual ~ApiClient() = default;

  Result<ApiAnswer> ask(const ApiRequest& request);
  /// All items of a collection, page by page. `target` may have a query.
  Result<boost::json::array> all(const std::string& target);

  /// One server-sent event: its name, and its data as JSON.
  using OnEvent = std::function<void(const std::string& name, const boost::json::value& data)>;
  /// Gives each event of a stream to `on_event` as it comes, until the connection ends (Error::unavailable).
  Status follow(const std::string& target, const OnEvent& on_event);

 protected:
  struct Reply {
    int status = 0;
    std::string head;  ///< header lines
    std::string body;
  };
  virtual Result<Reply> send(const ApiRequest& request) = 0;
  /// A call with the address and the token, and nothing else yet.
  virtual Result<io::HttpCall> call_of(const std::string& target) = 0;
};

/// Text as it stands in a path or query.
std::string percent_encoded(const std::string& text);

}  // namespace millrace::app
