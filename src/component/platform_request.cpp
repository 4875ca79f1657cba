#include "component/platform_request.hpp"

#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include "component/base64.hpp"

namespace millrace::component {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(io::posix::AsioLoop& loop, std::chrono::milliseconds patience,
          std::function<void(Result<PlatformAnswer>)> done)
      : resolver_(loop.native()), stream_(loop.native()), patience_(patience), done_(std::move(done)) {
    parser_.body_limit(64u << 20);
  }

  void start(const WorkerEnvironment& environment, PlatformQuestion question) {
    const auto door = PlatformDoor::of(environment);
    if (!door) return tell(door.error());
    request_.version(11);
    request_.method_string(question.method);
    request_.target(question.target);
    request_.set(http::field::host, door->authority);
    request_.set(http::field::authorization,
                 question.authorization.empty() ? door->authorization : question.authorization);
    request_.set(http::field::connection, "close");
    if (!question.body.empty()) request_.set(http::field::content_type, "application/json");
    request_.body() = std::move(question.body);
    request_.prepare_payload();
    const auto self = shared_from_this();
    resolver_.async_resolve(door->host, door->port,
                            [self](error_code failed, asio::ip::tcp::resolver::results_type results) {
                              if (failed) return self->unreachable(failed);
                              self->connect(results);
                            });
  }

 private:
  void connect(const asio::ip::tcp::resolver::results_type& results) {
    stream_.expires_after(patience_);
    stream_.async_connect(results, [self = shared_from_this()](error_code failed, const asio::ip::tcp::endpoint&) {
      if (failed) return self->unreachable(failed);
      http::async_write(self->stream_, self->request_, [self](error_code write_failed, std::size_t) {
        if (write_failed) return self->unreachable(write_failed);
        http::async_read(self->stream_, self->buffer_, self->parser_, [self](error_code read_failed, std::size_t) {
          if (read_failed) return self->unreachable(read_failed);
          auto& response = self->parser_.get();
          self->tell(PlatformAnswer{static_cast<int>(response.result_int()), std::move(response.body())});
        });
      });
    });
  }

  void unreachable(error_code why) { tell(Error{Error::Kind::unavailable, why.message()}); }
  void tell(Result<PlatformAnswer> result) {
    const auto done = std::move(done_);
    done(std::move(result));
  }

  asio::ip::tcp::resolver resolver_;
  beast::tcp_stream stream_;
  std::chrono::milliseconds patience_;
  std::function<void(Result<PlatformAnswer>)> done_;
  http::request<http::string_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

Result<PlatformDoor> PlatformDoor::of(const WorkerEnvironment& environment) {
  const auto base = boost::urls::parse_uri(environment.api_uri);
  if (!base || base->scheme() != "http") {
    return Error{Error::Kind::invalid, "ELASTICIO_API_URI is not an http:// address: " + environment.api_uri};
  }
  return PlatformDoor{base->host_address(), base->has_port() ? std::string(base->port()) : "80",
                      std::string(base->encoded_host_and_port()),
                      "Basic " + base64_encoded(environment.api_username + ":" + environment.api_key)};
}

void ask_platform(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, PlatformQuestion question,
                  std::chrono::milliseconds patience, std::function<void(Result<PlatformAnswer>)> done) {
  std::make_shared<Request>(loop, patience, std::move(done))->start(environment, std::move(question));
}

void ask_platform(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, const std::string& target,
                  std::chrono::milliseconds patience, std::function<void(Result<PlatformAnswer>)> done) {
  ask_platform(loop, environment, PlatformQuestion{.target = target}, patience, std::move(done));
}

std::string task_path(const WorkerEnvironment& environment) {
  boost::urls::url path;
  path.set_path_absolute(true);
  for (const auto& part :
       {std::string("v1"), std::string("tasks"), environment.flow_id, std::string("steps"), environment.step_id}) {
    path.segments().push_back(part);
  }
  return std::string(path.encoded_path());
}

}  // namespace millrace::component
