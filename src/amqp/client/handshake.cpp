#include "amqp/client/handshake.hpp"

#include <algorithm>

namespace millrace::amqp::client {
namespace {

FieldTable client_properties(const std::string& connection_name) {
  FieldTable capabilities;
  for (std::string_view name :
       {"authentication_failure_close", "consumer_cancel_notify", "connection.blocked", "publisher_confirms"}) {
    capabilities.set(name, true);
  }
  FieldTable properties;
  properties.set("product", "Millrace");
  properties.set("capabilities", std::move(capabilities));
  if (!connection_name.empty()) properties.set("connection_name", connection_name);
  return properties;
}

/// The smaller of two limits of which 0 means none.
template <class T>
T agreed(T wanted, T offered) {
  return offered == 0 ? wanted : std::min(wanted, offered);
}

}  // namespace

bool Handshake::answer(MethodId id, Reader& in, std::string& output) {
  switch (id) {
    case MethodId::connection_start:
      connection::Start::read(in);
      stage_ = Stage::login;
      write_method(output, 0,
                   connection::StartOk{.client_properties = client_properties(name_),
                                       .mechanism = "PLAIN",
                                       .response = std::string(1, '\0') + uri_.user + '\0' + uri_.password,
                                       .locale = "en_US"});
      return true;
    case MethodId::connection_tune:
      tune(connection::Tune::read(in), output);
      return true;
    case MethodId::connection_open_ok:
      stage_ = Stage::over;
      return true;
    default:
      return false;
  }
}

void Handshake::tune(const connection::Tune& offered, std::string& output) {
  frame_size_max_ = agreed(frame_size_usual, offered.frame_max);
  heartbeat_interval_ = agreed(uri_.heartbeat, offered.heartbeat);
  stage_ = Stage::opening;
  write_method(output, 0,
               connection::TuneOk{.channel_max = agreed(channels_, offered.channel_max),
                                  .frame_max = frame_size_max_,
                                  .heartbeat = heartbeat_interval_});
  write_method(output, 0, connection::Open{.virtual_host = uri_.vhost});
}

Error Handshake::end_of_stream() const {
  switch (stage_) {
    case Stage::greeting:
      return Error{Error::Kind::unavailable, "the broker closed the connection without a greeting"};
    case Stage::login:
      return Error{Error::Kind::permission, "the broker refused user '" + uri_.user + "'"};
    default:
      return Error{Error::Kind::unavailable, "the connection to the broker was cut"};
  }
}

}  // namespace millrace::amqp::client
