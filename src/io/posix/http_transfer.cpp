#define CURL_DISABLE_TYPECHECK
#include <array>
#include <cstdlib>
#include <string_view>

#include "io/posix/curl_transfer.hpp"

namespace millrace::io::posix {
namespace {

class HttpTransfer final : public CurlTransfer {
 public:
  HttpTransfer(HttpCall call, Transfers::HttpDone done) : call_(std::move(call)), done_(std::move(done)) {}

  void set_up(const CurlLibrary& curl, CURL* easy) override {
    const auto set = curl.curl_easy_setopt;
    curl_ = &curl;
    easy_ = easy;
    set_common(curl, easy, call_.timeout, call_.tls, error_text_.data());
    set(easy, CURLOPT_URL, call_.url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_USERAGENT, "millrace/0.1");
    set(easy, CURLOPT_ACCEPT_ENCODING, "");
    if (!call_.unix_socket.empty()) {
      set(easy, CURLOPT_UNIX_SOCKET_PATH, call_.unix_socket.c_str());
      set(easy, CURLOPT_NOPROXY, "*");
    }
    if (call_.timeout.count() == 0) set(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
    if (call_.bytes_per_second_max > 0) {
      set(easy, CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(call_.bytes_per_second_max));
    }
    if (call_.redirects_max > 0) {
      set(easy, CURLOPT_FOLLOWLOCATION, 1L);
      set(easy, CURLOPT_MAXREDIRS, static_cast<long>(call_.redirects_max));
      set(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
      // RFC 9110 §15.4: 301 and 302 let only POST become GET. (303 makes GET of any method: on_header.)
      if (call_.method != "POST") set(easy, CURLOPT_POSTREDIR, CURL_REDIR_POST_301 | CURL_REDIR_POST_302);
    }
    set_method(curl, easy);
    for (const auto& line : call_.headers) headers_ = curl.curl_slist_append(headers_, line.c_str());
    // Without this, bodies of a megabyte and more wait a second for a "100 Continue" that few servers send.
    if (call_.body) headers_ = curl.curl_slist_append(headers_, "Expect:");
    set(easy, CURLOPT_HTTPHEADER, headers_);
    set(easy, CURLOPT_WRITEFUNCTION, &HttpTransfer::on_body);
    set(easy, CURLOPT_WRITEDATA, this);
    set(easy, CURLOPT_HEADERFUNCTION, &HttpTransfer::on_header);
    set(easy, CURLOPT_HEADERDATA, this);
  }

  std::function<void()> outcome(const CurlLibrary& curl, CURL* easy, CURLcode code) override {
    if (code != CURLE_OK) {
      auto fault = fault_of(curl, code, error_text_.data());
      if (too_large_) {
        fault.kind = TransferFault::Kind::too_large;
        fault.message = "the response is larger than " + std::to_string(call_.response_max) + " bytes";
      }
      long system_code = 0;
      curl.curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_code);
      fault.system_code = static_cast<int>(system_code);
      return [done = std::move(done_), fault = std::move(fault)] { done(fault); };
    }
    long status = 0;
    curl.curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    answer_.status = static_cast<int>(status);
    const char* url = nullptr;
    curl.curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    if (url != nullptr) answer_.url = url;
    return [done = std::move(done_), answer = std::move(answer_)]() mutable { done(std::move(answer)); };
  }

  void release(const CurlLibrary& curl) override { curl.curl_slist_free_all(headers_); }

 private:
  static constexpr long connect_timeout_ms = 10'000;

  void set_method(const CurlLibrary& curl, CURL* easy) {
    const auto set = curl.curl_easy_setopt;
    if (call_.body) {
      set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body->size()));
      set(easy, CURLOPT_POSTFIELDS, call_.body->data());
      if (call_.method != "POST") set(easy, CURLOPT_CUSTOMREQUEST, call_.method.c_str());
    } else if (call_.method == "HEAD") {
      set(easy, CURLOPT_NOBODY, 1L);
    } else {
      set(easy, CURLOPT_HTTPGET, 1L);
      if (call_.method != "GET") set(easy, CURLOPT_CUSTOMREQUEST, call_.method.c_str());
    }
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto* self = static_cast<HttpTransfer*>(user);
    if (self->call_.on_body && self->status_ / 100 == 2) {
      self->call_.on_body(std::string_view(data, size));
      return size;
    }
    if (self->answer_.body.size() + size > self->call_.response_max) {
      self->too_large_ = true;
      return 0;
    }
    self->answer_.body.append(data, size);
    return size;
  }

  /// libcurl would go on with the method it was given, though without its body.
  void see_other() { curl_->curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, nullptr); }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    constexpr std::size_t header_lines_max = 256 * 1024;
    auto* self = static_cast<HttpTransfer*>(user);
    auto& answer = self->answer_;
    const std::string_view line(data, size);
    if (line.substr(0, 5) == "HTTP/") {
      if (self->call_.redirects_max > 0 && line.substr(line.find(' ') + 1, 3) == "303") self->see_other();
      // A new response begins: the one before was a redirect or a 100.
      const auto space = line.find(' ');
      self->status_ = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space + 1)).c_str());
      answer.header_lines.clear();
      answer.body.clear();
    } else if (answer.header_lines.size() + size <= header_lines_max) {
      answer.header_lines.append(line);
    }
    return size;
  }

  HttpCall call_;
  Transfers::HttpDone done_;
  HttpAnswer answer_;
  const CurlLibrary* curl_ = nullptr;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  bool too_large_ = false;
  int status_ = 0;  ///< of the response that is being read
  std::array<char, CURL_ERROR_SIZE> error_text_{};
};

}  // namespace

std::unique_ptr<CurlTransfer> make_http_transfer(HttpCall call, Transfers::HttpDone done) {
  return std::make_unique<HttpTransfer>(std::move(call), std::move(done));
}

}  // namespace millrace::io::posix
