#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
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

/// What `millrace broker KIND` shows of each; the JSON has more.
struct Listing {
  std::string_view kind;
  std::vector<std::string_view> fields;
};

const std::vector<Listing>& listings() {
  static const std::vector<Listing> all = {
      {"queues", {"vhost", "name", "ready", "unsettled", "consumers", "durable", "exclusive", "auto_delete"}},
      {"exchanges", {"vhost", "name", "type", "durable", "auto_delete", "internal"}},
      {"bindings", {"vhost", "source", "destination", "destination_kind", "routing_key", "arguments"}},
      {"connections", {"peer", "user", "vhost", "channels", "consumers", "unsettled", "tls", "paused", "name"}},
      {"channels", {"peer", "number", "user", "vhost", "mode", "prefetch", "consumers", "unsettled", "unconfirmed"}},
      {"consumers", {"vhost", "queue", "tag", "peer", "channel", "acknowledges", "exclusive", "prefetch", "unsettled"}},
  };
  return all;
}

const Listing* listing(std::string_view kind) {
  const auto& all = listings();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Listing& one) { return one.kind == kind; });
  return found == all.end() ? nullptr : &*found;
}

std::string text(const json::object& of, std::string_view name) {
  return std::string(of.at(name).as_string());
}

std::string cell(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_bool()) return value.as_bool() ? "yes" : "no";
  return json::serialize(value);
}

/// Columns as wide as what stands in them; numbers to the right.
void print_table(const Listing& listing, const json::array& rows) {
  std::vector<std::size_t> widths;
  for (const auto field : listing.fields) {
    std::size_t width = field.size();
    for (const auto& row : rows) width = std::max(width, cell(row.as_object().at(field)).size());
    widths.push_back(width);
  }
  for (std::size_t i = 0; i < widths.size(); ++i) {
    std::string title(listing.fields[i]);
    std::transform(title.begin(), title.end(), title.begin(), [](char c) { return c == '_' ? '-' : std::toupper(c); });
    fmt::print("{:<{}}{}", title, widths[i], i + 1 < widths.size() ? "  " : "\n");
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const auto& value = row.as_object().at(listing.fields[i]);
      const auto end = i + 1 < widths.size() ? "  " : "\n";
      value.is_number() ? fmt::print("{:>{}}{}", cell(value), widths[i], end)
                        : fmt::print("{:<{}}{}", cell(value), widths[i], end);
    }
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
  if (listing(question.what) != nullptr) return "/v1/broker/" + question.what;
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
  } else if (const auto* shown = listing(question.what)) {
    print_table(*shown, body.at(question.what).as_array());
  } else if (question.what == "peek") {
    print_messages(body.at("messages").as_array());
  } else {
    fmt::print("purged {} messages\n", body.at("purged").to_number<std::int64_t>());
  }
  return ExitCode::ok;
}

}  // namespace millrace::app
