#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "app/broker_command.hpp"
#include "app/control_client.hpp"
#include "app/exit_code.hpp"
#include "component/base64.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

std::string text(const json::object& of, std::string_view name) {
  return std::string(of.at(name).as_string());
}

std::int64_t number(const json::object& of, std::string_view name) {
  return of.at(name).to_number<std::int64_t>();
}

void print_queues(const json::array& queues) {
  fmt::print("{:<12} {:<48} {:>10} {:>10} {:>10}\n", "VHOST", "QUEUE", "READY", "UNSETTLED", "CONSUMERS");
  for (const auto& item : queues) {
    const auto& queue = item.as_object();
    fmt::print("{:<12} {:<48} {:>10} {:>10} {:>10}\n", text(queue, "vhost"), text(queue, "name"),
               number(queue, "ready"), number(queue, "unsettled"), number(queue, "consumers"));
  }
}

void print_connections(const json::array& connections) {
  fmt::print("{:<24} {:<16} {:<12} {:>8} {:>9} {:>9}  {}\n", "PEER", "USER", "VHOST", "CHANNELS", "CONSUMERS",
             "UNSETTLED", "NAME");
  for (const auto& item : connections) {
    const auto& one = item.as_object();
    fmt::print("{:<24} {:<16} {:<12} {:>8} {:>9} {:>9}  {}\n", text(one, "peer"), text(one, "user"), text(one, "vhost"),
               number(one, "channels"), number(one, "consumers"), number(one, "unsettled"), text(one, "name"));
  }
}

void print_messages(const json::array& messages) {
  for (const auto& item : messages) {
    const auto& message = item.as_object();
    fmt::print("{} {}\n{}\n", text(message, "exchange").empty() ? "(default)" : text(message, "exchange"),
               text(message, "routing_key"), component::base64_decoded(text(message, "body_base64")).value_or(""));
  }
}

std::string target(const BrokerQuestion& question) {
  const auto escape = [](const std::string& part) { return boost::urls::encode(part, boost::urls::unreserved_chars); };
  if (question.what == "queues" || question.what == "connections") return "/v1/broker/" + question.what;
  return fmt::format("/v1/broker/{}?vhost={}&queue={}&count={}", question.what == "peek" ? "messages" : "purge",
                     escape(question.host), escape(question.queue), question.count);
}

}  // namespace

int ask_broker(const BrokerQuestion& question) {
  const auto answer = ask_platform(question.data_folder, question.what == "purge" ? "POST" : "GET", target(question));
  if (!answer) {
    fmt::print(stderr, "millrace: {}\n", answer.error().message);
    return ExitCode::failed;
  }
  boost::system::error_code failed;
  const auto parsed = json::parse(answer->body, failed);
  if (failed || !parsed.is_object()) {
    fmt::print(stderr, "millrace: the broker answered {}\n", answer->status);
    return ExitCode::failed;
  }
  const auto& body = parsed.as_object();
  if (answer->status != 200) {
    fmt::print(stderr, "millrace: {}\n", text(body, "detail"));
    return ExitCode::failed;
  }
  if (question.json) {
    fmt::print("{}\n", answer->body);
  } else if (question.what == "queues") {
    print_queues(body.at("queues").as_array());
  } else if (question.what == "connections") {
    print_connections(body.at("connections").as_array());
  } else if (question.what == "peek") {
    print_messages(body.at("messages").as_array());
  } else {
    fmt::print("purged {} messages\n", number(body, "purged"));
  }
  return ExitCode::ok;
}

}  // namespace millrace::app
