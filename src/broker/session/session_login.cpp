#include <algorithm>

#include "broker/session/channel.hpp"
#include "broker/session/session.hpp"
#include "core/log.hpp"

namespace millrace::broker {

using amqp::FieldTable;
using amqp::MethodId;
using amqp::ReplyCode;

namespace {

FieldTable server_properties(const std::string& product) {
  FieldTable capabilities;
  for (std::string_view name :
       {"publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked", "per_consumer_qos",
        "authentication_failure_close", "exchange_exchange_bindings", "consumer_priorities", "direct_reply_to"}) {
    capabilities.set(name, true);
  }
  FieldTable properties;
  properties.set("product", product);
  properties.set("version", "3.10.0");  // of RabbitMQ, whose extensions these are
  properties.set("platform", "Millrace");
  properties.set("cluster_name", "millrace");
  properties.set("copyright", "The authors of Millrace");
  properties.set("information", "Millrace, an AMQP 0-9-1 broker; product and version are what clients know it by");
  properties.set("capabilities", std::move(capabilities));
  return properties;
}

const FieldTable* table(const FieldTable& properties, std::string_view name) {
  const amqp::FieldValue* field = properties.find(name);
  return field ? std::get_if<FieldTable>(&field->value) : nullptr;
}

struct Login {
  std::string name;
  std::string password;
};

/// PLAIN (RFC 4616): authorization identity, NUL, name, NUL, password. AMQPLAIN: a field table's entries, without the
/// table's size, with LOGIN and PASSWORD.
std::optional<Login> read_login(std::string_view mechanism, std::string_view response) {
  if (mechanism == "PLAIN") {
    const std::size_t first = response.find('\0');
    const std::size_t second = first == response.npos ? response.npos : response.find('\0', first + 1);
    if (second == response.npos) return std::nullopt;
    return Login{std::string(response.substr(first + 1, second - first - 1)), std::string(response.substr(second + 1))};
  }
  if (mechanism != "AMQPLAIN") return std::nullopt;
  std::string bytes;
  amqp::write_number(bytes, static_cast<std::uint32_t>(response.size()));
  bytes += response;
  amqp::Reader in(bytes);
  const auto entries = in.table();
  if (!in.ok()) return std::nullopt;
  return Login{std::string(entries.text("LOGIN")), std::string(entries.text("PASSWORD"))};
}

/// A method's fields or the reply code for malformed ones.
template <class Method>
Answer<Method> read(amqp::Reader& in) {
  Method method = Method::read(in);
  if (in.ok() && in.at_end()) return method;
  return Refusal{ReplyCode::syntax_error, "malformed arguments of " + std::string(amqp::name(Method::id))};
}

}  // namespace

void Session::greet() {
  amqp::write_method(context_->output, 0,
                     amqp::connection::Start{.version_major = 0,
                                             .version_minor = 9,
                                             .server_properties = server_properties(context_->settings.product),
                                             .mechanisms = "PLAIN AMQPLAIN",
                                             .locales = "en_US"});
  stage_ = Stage::login;
}

Answer<Done> Session::step(MethodId id, amqp::Reader& in) {
  if (stage_ == Stage::login && id == MethodId::connection_start_ok) {
    auto method = read<amqp::connection::StartOk>(in);
    return method ? log_in(*method) : method.error();
  }
  if (stage_ == Stage::tuning && id == MethodId::connection_tune_ok) {
    auto method = read<amqp::connection::TuneOk>(in);
    return method ? tune(*method) : method.error();
  }
  if (stage_ == Stage::opening && id == MethodId::connection_open) {
    auto method = read<amqp::connection::Open>(in);
    return method ? open(*method) : method.error();
  }
  if (stage_ == Stage::open && id == MethodId::connection_update_secret) {
    amqp::write_method(context_->output, 0, amqp::connection::UpdateSecretOk{});
    return Done{};
  }
  if (amqp::name(id).empty()) return Refusal{ReplyCode::not_implemented, "there is no such method"};
  return Refusal{ReplyCode::command_invalid, std::string(amqp::name(id)) + " is not for channel 0 or not for now"};
}

Answer<Done> Session::log_in(const amqp::connection::StartOk& method) {
  const FieldTable none;
  const FieldTable* given = table(method.client_properties, "capabilities");
  const FieldTable& capabilities = given ? *given : none;
  context_->tells_cancel = capabilities.boolean("consumer_cancel_notify");
  context_->tells_blocked = capabilities.boolean("connection.blocked");
  tells_login_failure_ = capabilities.boolean("authentication_failure_close");
  client_name_ = method.client_properties.text("connection_name", method.client_properties.text("product"));

  const auto login = read_login(method.mechanism, method.response);
  if (login) context_->user = users_.log_in(login->name, login->password);
  if (!context_->user) {
    const bool known = method.mechanism == "PLAIN" || method.mechanism == "AMQPLAIN";
    log::warning(
        "login_refused",
        {{"user", login ? login->name : ""}, {"mechanism", std::string(method.mechanism)}, {"client", client_name_}});
    if (tells_login_failure_) {
      return Refusal{ReplyCode::access_refused,
                     "Login was refused using authentication mechanism " + std::string(method.mechanism) +
                         (known ? ". For details see the broker logfile." : ", which is none of PLAIN and AMQPLAIN.")};
    }
    context_->output.clear();
    leave(SessionEnd::lost);
    return Done{};
  }
  users_.connected(context_->user->name, *this);
  amqp::write_method(context_->output, 0,
                     amqp::connection::Tune{.channel_max = context_->settings.channel_max,
                                            .frame_max = context_->settings.frame_size_max,
                                            .heartbeat = context_->settings.heartbeat});
  stage_ = Stage::tuning;
  return Done{};
}

Answer<Done> Session::tune(const amqp::connection::TuneOk& method) {
  const SessionSettings& offered = context_->settings;
  if (method.frame_max > offered.frame_size_max || (method.frame_max != 0 && method.frame_max < amqp::frame_size_min)) {
    return Refusal{ReplyCode::not_allowed, "frame_max " + std::to_string(method.frame_max) + " is not between " +
                                               std::to_string(amqp::frame_size_min) + " and " +
                                               std::to_string(offered.frame_size_max)};
  }
  if (method.channel_max > offered.channel_max) {
    return Refusal{ReplyCode::not_allowed, "channel_max " + std::to_string(method.channel_max) +
                                               " is larger than the offered " + std::to_string(offered.channel_max)};
  }
  context_->frame_size_max = method.frame_max ? method.frame_max : offered.frame_size_max;
  reader_.set_frame_size_max(context_->frame_size_max);
  channel_max_ = method.channel_max ? method.channel_max : offered.channel_max;
  heartbeat_ = method.heartbeat;
  stage_ = Stage::opening;
  return Done{};
}

Answer<Done> Session::open(const amqp::connection::Open& method) {
  auto* broker = hosts_.find(method.virtual_host);
  if (broker == nullptr)
    return Refusal{ReplyCode::not_allowed, "vhost " + std::string(method.virtual_host) + " not found"};
  const auto permissions = context_->user->permissions_in(method.virtual_host);
  if (!permissions) {
    return Refusal{ReplyCode::not_allowed, "access to vhost '" + std::string(method.virtual_host) +
                                               "' refused for user '" + context_->user->name + "'"};
  }
  context_->broker = broker;
  context_->host = method.virtual_host;
  context_->permissions = *permissions;
  context_->session = context_->broker->begin_session();
  began_ = true;
  amqp::write_method(context_->output, 0, amqp::connection::OpenOk{});
  stage_ = Stage::open;
  beat();
  return Done{};
}

}  // namespace millrace::broker
