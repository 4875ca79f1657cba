#include "amqp/client/broker_uri.hpp"

#include <charconv>

#include <boost/url/parse.hpp>

namespace millrace::amqp::client {

Result<BrokerUri> parse_broker_uri(std::string_view uri) {
  const auto parsed = boost::urls::parse_uri(uri);
  if (!parsed)
    return Error{Error::Kind::invalid, "the broker's address is not of the form amqp://user:password@host:port/vhost"};
  if (parsed->scheme() != "amqp") {
    return Error{Error::Kind::unsupported, "the broker's address begins with '" + std::string(parsed->scheme()) +
                                               "://'; only amqp:// is offered"};
  }
  BrokerUri out;
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
  for (const auto& parameter : parsed->params()) {
    if (parameter.key != "heartbeat") continue;
    const auto& text = parameter.value;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out.heartbeat);
    if (failed != std::errc() || end != text.data() + text.size()) {
      return Error{Error::Kind::invalid, "the broker's address: heartbeat is a number of seconds"};
    }
  }
  return out;
}

}  // namespace millrace::amqp::client
