#include "conformance/http_target.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace millrace::tests {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

std::string SeenRequest::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (beast::iequals(known, name)) return value;
  }
  return {};
}

class HttpTarget::State : public std::enable_shared_from_this<State> {
 public:
  explicit State(std::function<GivenResponse(const SeenRequest&)> answer)
      : answer_(std::move(answer)), acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {}

  void start() {
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  void stop() {
    context_.stop();
    thread_.join();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  mutable std::mutex mutex;
  std::vector<SeenRequest> seen;
  std::size_t connections = 0;
  std::size_t open = 0;
  std::size_t most_at_once = 0;

 private:
  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(State& state, asio::ip::tcp::socket socket) : owner(state), stream(std::move(socket)) {}

    void read() {
      parser.emplace();
      parser->body_limit(100u << 20);
      http::async_read(stream, buffer, *parser, [self = shared_from_this()](error_code failed, std::size_t) {
        if (!failed) self->respond();
      });
    }

    void respond() {
      const auto& message = parser->get();
      SeenRequest request{std::string(message.method_string()), std::string(message.target()), {}, message.body()};
      for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
      {
        const std::lock_guard lock(owner.mutex);
        owner.seen.push_back(request);
        owner.most_at_once = std::max(owner.most_at_once, ++owner.open);
      }
      auto given = owner.answer_(request);
      if (given.hang) return owner.hanging_.push_back(shared_from_this());
      {
        const std::lock_guard lock(owner.mutex);
        --owner.open;
      }
      if (given.reset) return stream.close();
      response = {};
      response.version(11);
      response.result(static_cast<unsigned>(given.status));
      for (const auto& [name, value] : given.headers) response.insert(name, value);
      response.body() = std::move(given.body);
      if (given.status != 204) response.prepare_payload();
      response.keep_alive(true);
      serializer.emplace(response);
      serializer->split(message.method() == http::verb::head);
      const auto written = [self = shared_from_this()](error_code failed, std::size_t) {
        if (!failed) self->read();
      };
      if (message.method() == http::verb::head) {
        http::async_write_header(stream, *serializer, written);
      } else {
        http::async_write(stream, *serializer, written);
      }
    }

    State& owner;
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
    std::optional<http::request_parser<http::string_body>> parser;
    http::response<http::string_body> response;
    std::optional<http::response_serializer<http::string_body>> serializer;
  };

  void accept() {
    acceptor_.async_accept([this](error_code failed, asio::ip::tcp::socket socket) {
      if (failed) return;
      socket.set_option(asio::ip::tcp::no_delay(true));
      {
        const std::lock_guard lock(mutex);
        ++connections;
      }
      std::make_shared<Connection>(*this, std::move(socket))->read();
      accept();
    });
  }

  std::function<GivenResponse(const SeenRequest&)> answer_;
  asio::io_context context_{1};
  asio::ip::tcp::acceptor acceptor_;
  std::vector<std::shared_ptr<Connection>> hanging_;
  std::thread thread_;
};

HttpTarget::HttpTarget(std::function<GivenResponse(const SeenRequest&)> answer)
    : state_(std::make_shared<State>(std::move(answer))) {
  state_->start();
}

HttpTarget::~HttpTarget() {
  state_->stop();
}

std::string HttpTarget::url() const {
  return "http://127.0.0.1:" + std::to_string(state_->port());
}

std::vector<SeenRequest> HttpTarget::seen() const {
  const std::lock_guard lock(state_->mutex);
  return state_->seen;
}

std::size_t HttpTarget::connections() const {
  const std::lock_guard lock(state_->mutex);
  return state_->connections;
}

std::size_t HttpTarget::most_at_once() const {
  const std::lock_guard lock(state_->mutex);
  return state_->most_at_once;
}

}  // namespace millrace::tests
