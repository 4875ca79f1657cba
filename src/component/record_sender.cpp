#include "component/record_sender.hpp"

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "component/platform_request.hpp"
#include "core/log.hpp"
#include "storage/varint.hpp"

namespace millrace::component {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::chrono::seconds last_patience{1};

}  // namespace

class RecordSender::State : public std::enable_shared_from_this<RecordSender::State> {
 public:
  State(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, std::string_view what)
      : loop_(loop), resolver_(loop.native()), stream_(loop.native()) {
    auto door = PlatformDoor::of(environment);
    if (!door) return;  // the worker ends for the same reason: it cannot have its settings
    door_ = std::move(*door);
    request_.version(11);
    request_.method(http::verb::post);
    request_.target(task_path(environment) + "/" + std::string(what));
    request_.set(http::field::host, door_.authority);
    request_.set(http::field::content_type, "application/octet-stream");
    request_.set(http::field::authorization, door_.authorization);
  }

  void take(const std::string& records) {
    if (kept_.size() + records.size() > kept_max) {
      dropped_ += history::count_records(records);  // which is told, too, as soon as the platform listens
    } else {
      kept_ += records;
    }
    if (kept_.size() >= batch_size) return send();
    if (timer_ != 0 || sending_) return;
    timer_ = loop_.after(interval, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->timer_ = 0;
      self->send();
    });
  }

  void finish(std::function<void()> finished) {
    finished_ = std::move(finished);
    loop_.after(last_patience, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->tell_finished();
    });
    send();
    if (!sending_) tell_finished();
  }

  void stop() {
    loop_.cancel(std::exchange(timer_, 0));
    finished_ = nullptr;
    stream_.cancel();
    resolver_.cancel();
  }

 private:
  void send() {
    if (sending_ || (kept_.empty() && dropped_ == 0)) return;
    loop_.cancel(std::exchange(timer_, 0));
    sending_ = true;
    std::string& body = request_.body();
    body.clear();
    storage::put_varint(body, std::exchange(dropped_, 0));
    head_size_ = body.size();
    body += kept_;
    kept_.clear();
    request_.prepare_payload();
    is_old_ = connected_;
    connected_ ? write() : connect();
  }

  void connect() {
    resolver_.async_resolve(
        door_.host, door_.port,
        [self = shared_from_this()](error_code failed, asio::ip::tcp::resolver::results_type results) {
          if (failed) return self->failed();
          self->stream_.expires_after(patience);
          self->stream_.async_connect(results, [self](error_code refused, const asio::ip::tcp::endpoint&) {
            if (refused) return self->failed();
            self->connected_ = true;
            self->write();
          });
        });
  }

  void write() {
    stream_.expires_after(patience);
    http::async_write(stream_, request_, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->failed();
      self->response_ = {};
      http::async_read(self->stream_, self->buffer_, self->response_, [self](error_code unread, std::size_t) {
        if (unread) return self->failed();
        if (self->response_.result() != http::status::no_content) self->give_up();
        if (!self->response_.keep_alive()) self->disconnect();
        self->sent();
      });
    });
  }

  /// A connection that was kept may have been closed meanwhile: once more over a new one.
  void failed() {
    disconnect();
    if (std::exchange(is_old_, false)) return connect();
    give_up();
    sent();
  }

  void disconnect() {
    connected_ = false;
    error_code ignored;
    stream_.socket().close(ignored);
  }

  void give_up() { dropped_ += history::count_records(std::string_view(request_.body()).substr(head_size_)); }

  void sent() {
    sending_ = false;
    request_.body().clear();
    if (finished_ && kept_.empty()) return tell_finished();
    if (finished_ || kept_.size() >= batch_size) return send();
    if (!kept_.empty()) take({});
  }

  void tell_finished() {
    if (!finished_) return;
    const auto finished = std::move(finished_);
    finished_ = nullptr;
    finished();
  }

  io::posix::AsioLoop& loop_;
  asio::ip::tcp::resolver resolver_;
  beast::tcp_stream stream_;
  PlatformDoor door_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
  beast::flat_buffer buffer_;
  std::size_t head_size_ = 0;  ///< of the body, before the records

  std::string kept_;
  std::uint64_t dropped_ = 0;  ///< records, since the last batch
  bool sending_ = false;
  bool connected_ = false;
  bool is_old_ = false;  ///< the batch goes over a connection that was there before
  io::TimerId timer_ = 0;
  std::function<void()> finished_;
};

RecordSender::RecordSender(io::posix::AsioLoop& loop, const WorkerEnvironment& environment, std::string_view what)
    : state_(std::make_shared<State>(loop, environment, what)) {}

RecordSender::~RecordSender() {
  state_->stop();
}

void RecordSender::take(const std::string& records) {
  state_->take(records);
}

void RecordSender::finish(std::function<void()> finished) {
  state_->finish(std::move(finished));
}

}  // namespace millrace::component
