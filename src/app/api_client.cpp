#include "app/api_client.hpp"

#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "app/contexts.hpp"
#include "app/control_client.hpp"
#include "component/json_document.hpp"
#include "io/posix/curl_transfers.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

/// The platform on a data folder of this machine.
class LocalClient final : public ApiClient {
 public:
  explicit LocalClient(std::string folder) : folder_(std::move(folder)) {}

 private:
  Result<Reply> send(const ApiRequest& request) override {
    auto answer = ask_platform(folder_, request.method, request.target,
                               {request.body, request.body.empty() ? "" : request.content_type, request.headers});
    if (!answer) return answer.error();
    return Reply{answer->status, std::move(answer->head), std::move(answer->body)};
  }

  Result<io::HttpCall> call_of(const std::string& target) override {
    io::HttpCall call;
    call.url = "http://millrace" + target;
    call.unix_socket = control_socket_of(folder_);
    return call;
  }

  std::string folder_;
};

/// A platform at a URL, with a token.
class RemoteClient final : public ApiClient {
 public:
  RemoteClient(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {
    while (url_.ends_with('/')) url_.pop_back();
  }

  Status open() {
    auto transfers = io::posix::CurlTransfers::make(loop_);
    if (!transfers) return transfers.error();
    transfers_ = std::move(*transfers);
    return Done{};
  }

 private:
  Result<Reply> send(const ApiRequest& request) override {
    auto call = *call_of(request.target);
    call.method = request.method;
    for (const auto& header : request.headers) call.headers.push_back(header);
    if (!request.body.empty()) {
      call.headers.push_back("Content-Type: " + request.content_type);
      call.body = request.body;
    } else if (request.method == "POST") {
      call.body = "";
    }
    call.response_max = 256'000'000;
    std::optional<Result<io::HttpAnswer, io::TransferFault>> answered;
    transfers_->http(std::move(call), [&](Result<io::HttpAnswer, io::TransferFault> answer) {
      answered = std::move(answer);
      loop_.stop();
    });
    loop_.run();
    if (!answered) return Error{Error::Kind::unavailable, "no answer from " + url_};
    if (!*answered) return Error{Error::Kind::unavailable, fmt::format("{}: {}", url_, answered->error().message)};
    auto& answer = **answered;
    return Reply{answer.status, std::move(answer.header_lines), std::move(answer.body)};
  }

  Result<io::HttpCall> call_of(const std::string& target) override {
    io::HttpCall call;
    call.url = url_ + target;
    call.headers.push_back("Authorization: Bearer " + token_);
    return call;
  }

  std::string url_;
  std::string token_;
  io::posix::AsioLoop loop_;
  std::unique_ptr<io::Transfers> transfers_;
};

Error::Kind kind_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return Error::Kind::permission;
    case 404:
      return Error::Kind::not_found;
    case 409:
      return Error::Kind::conflict;
    case 412:
    case 428:
      return Error::Kind::stale;
    default:
      return status < 500 ? Error::Kind::invalid : Error::Kind::unavailable;
  }
}

/// A problem's detail, and below it what is wrong with a flow, one a line.
std::string words_of(const json::value& body, int status) {
  const auto* object = body.if_object();
  const auto* detail = object == nullptr ? nullptr : object->if_contains("detail");
  if (detail == nullptr || !detail->is_string()) return fmt::format("the platform answered {}", status);
  return std::string(detail->get_string());
}

std::string etag_of(std::string_view head) {
  for (const std::string_view name : {"\nETag: ", "\netag: "}) {
    const auto at = ("\n" + std::string(head)).find(name);
    if (at == std::string::npos) continue;
    const auto rest = head.substr(at + name.size() - 1);
    return std::string(rest.substr(0, rest.find_first_of("\r\n")));
  }
  return {};
}

/// Takes the text of server-sent events apart as it comes: only what our own platform writes, one line of data each.
class EventText {
 public:
  void take(std::string_view piece, const ApiClient::OnEvent& on_event) {
    text_ += piece;
    for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const auto line = text_.substr(0, end);
      text_.erase(0, end + 1);
      constexpr std::string_view name = "event: ";
      constexpr std::string_view data = "data: ";
      if (line.starts_with(name)) name_ = line.substr(name.size());
      if (!line.starts_with(data)) continue;
      boost::system::error_code failed;
      const auto value = json::parse(line.substr(data.size()), failed);
      if (!failed) on_event(name_, value);
    }
  }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace

std::string percent_encoded(const std::string& text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

Result<std::unique_ptr<ApiClient>> ApiClient::make(const Server& given) {
  const auto server = resolve(given);
  if (!server) return server.error();
  if (server->url.empty()) return std::unique_ptr<ApiClient>(std::make_unique<LocalClient>(server->data_folder));
  if (!server->url.starts_with("http://") && !server->url.starts_with("https://")) {
    return Error{Error::Kind::invalid, fmt::format("{} is no URL of a platform (http://… or https://…)", server->url)};
  }
  auto client = std::make_unique<RemoteClient>(server->url, server->token);
  if (auto opened = client->open(); !opened) return opened.error();
  return std::unique_ptr<ApiClient>(std::move(client));
}

Result<ApiAnswer> ApiClient::ask(const ApiRequest& request) {
  const auto reply = send(request);
  if (!reply) return reply.error();
  ApiAnswer answer;
  answer.status = reply->status;
  answer.etag = etag_of(reply->head);
  if (!reply->body.empty()) {
    auto body = component::parse_document(reply->body);
    if (!body) return Error{Error::Kind::unavailable, "the platform's answer is not understood"};
    answer.body = std::move(*body);
  }
  if (answer.status >= 400) return Error{kind_of(answer.status), words_of(answer.body, answer.status)};
  return answer;
}

Status ApiClient::follow(const std::string& target, const OnEvent& on_event) {
  io::posix::AsioLoop loop;
  auto transfers = io::posix::CurlTransfers::make(loop);
  if (!transfers) return transfers.error();
  auto call = call_of(target);
  if (!call) return call.error();
  call->headers.emplace_back("Accept: text/event-stream");
  call->timeout = std::chrono::milliseconds(0);
  EventText events;
  call->on_body = [&](std::string_view piece) { events.take(piece, on_event); };
  Status ended = Error{Error::Kind::unavailable, "the platform has ended the stream"};
  (*transfers)->http(std::move(*call), [&](const Result<io::HttpAnswer, io::TransferFault>& answer) {
    loop.stop();
    if (!answer) {
      ended = Error{Error::Kind::unavailable, answer.error().message};
    } else if (answer->status >= 400) {
      boost::system::error_code failed;
      ended = Error{kind_of(answer->status), words_of(json::parse(answer->body, failed), answer->status)};
    }
  });
  loop.run();
  return ended;
}

Result<json::array> ApiClient::all(const std::string& target) {
  json::array items;
  std::string cursor;
  for (;;) {
    const auto separator = target.find('?') == std::string::npos ? '?' : '&';
    auto page = ask({.target = fmt::format("{}{}limit=200&cursor={}", target, separator, percent_encoded(cursor))});
    if (!page) return page.error();
    for (auto& item : page->body.at("items").as_array()) items.push_back(std::move(item));
    const auto& next = page->body.at("next");
    if (!next.is_string()) return items;
    cursor = std::string(next.get_string());
  }
}

}  // namespace millrace::app
