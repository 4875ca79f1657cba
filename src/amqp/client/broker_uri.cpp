#include "amqp/client/broker_uri.hpp"

#include <charconv>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

namespace millrace::amqp::client {
namespace {

Error invalid(std::string text) {
  return Error{Error::Kind::invalid, "the broker's address: " + std::move(text)};
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// Of amqps only. False: there is none of this name.
Result<bool> read_tls(std::string_view key, const std::string& value, BrokerUri::Tls& tls) {
  if (key == "cacertfile") return tls.authorities = value, true;
  if (key == "certfile") return tls.certificate = value, true;
  if (key == "keyfile") return tls.key = value, true;
  if (key == "server_name_indication") return tls.server_name = value, true;
  if (key == "fail_if_no_peer_cert") return true;  // a server's
  if (key != "verify") return false;
  if (value != "verify_peer" && value != "verify_none") {
    return invalid("verify is verify_peer or verify_none, not '" + value + "'");
  }
  return tls.verify = value == "verify_peer", true;
}

Status read_parameter(const std::string& key, const std::string& value, BrokerUri& out, BrokerUri::Tls& tls) {
  if (key == "heartbeat") {
    return read_number(value, out.heartbeat) ? Status(Done{}) : invalid("heartbeat is a number of seconds up to 65535");
  }
  if (key == "connection_timeout") {
    std::uint32_t milliseconds = 0;
    if (!read_number(value, milliseconds)) return invalid("connection_timeout is a number of milliseconds");
    out.connection_timeout = std::chrono::milliseconds(milliseconds);
    return Done{};
  }
  if (key == "channel_max" || (key.empty() && value.empty())) return Done{};
  if (key == "auth_mechanism") {
    if (value == "plain" || value == "PLAIN") return Done{};
    return Error{Error::Kind::unsupported,
                 "the broker's address: auth_mechanism '" + value + "' is not offered, only plain"};
  }
  const auto known = read_tls(key, value, tls);
  if (!known) return known.error();
  if (!*known) {
    return invalid(
        "there is no parameter '" + key +
        "'; known are heartbeat, connection_timeout, channel_max, auth_mechanism, and with amqps:// cacertfile, "
        "certfile, keyfile, verify, server_name_indication");
  }
  if (!out.tls) return invalid("'" + key + "' is about TLS: amqps:// is meant");
  return Done{};
}

Status check_tls(BrokerUri::Tls& tls, const std::string& host) {
  if (tls.certificate.empty() != tls.key.empty()) {
    return invalid(std::string("certfile and keyfile go together; ") + (tls.key.empty() ? "keyfile" : "certfile") +
                   " is missing");
  }
  if (tls.server_name.empty()) tls.server_name = host;
  return Done{};
}

}  // namespace

std::string BrokerUri::place() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", tls ? "amqps" : "amqp", is_v6 ? "[" + host + "]" : host, port);
}

Result<BrokerUri> parse_broker_uri(std::string_view uri) {
  const auto parsed = boost::urls::parse_uri(uri);
  if (!parsed)
    return Error{Error::Kind::invalid, "the broker's address is not of the form amqp://user:password@host:port/vhost"};
  BrokerUri out;
  if (parsed->scheme() == "amqps") {
    out.tls.emplace();
    out.port = 5671;
  } else if (parsed->scheme() != "amqp") {
    return Error{Error::Kind::unsupported, "the broker's address begins with '" + std::string(parsed->scheme()) +
                                               "://'; only amqp:// and amqps:// are offered"};
  }
  if (parsed->has_userinfo()) {
    out.user = parsed->user();
    out.password = parsed->password();
  }
  if (!parsed->host_address().empty()) out.host = parsed->host_address();
  if (parsed->has_port()) {
    if (parsed->port_number() == 0) return Error{Error::Kind::invalid, "the broker's address has no usable port"};
    out.port = parsed->port_number();
  }
  const std::string path = parsed->path();
  if (path.size() > 1) out.vhost = path.substr(1);
  BrokerUri::Tls tls;
  for (const auto& parameter : parsed->params()) {
    if (auto status = read_parameter(parameter.key, parameter.value, out, tls); !status) return status.error();
  }
  if (!out.tls) return out;
  if (auto status = check_tls(tls, out.host); !status) return status.error();
  out.tls = std::move(tls);
  return out;
}

}  // namespace millrace::amqp::client
