#include "broker/session/session.hpp"

#include <algorithm>

#include "broker/session/channel.hpp"
#include "broker/session/reply_text.hpp"

namespace millrace::broker {

using amqp::MethodId;
using amqp::ReplyCode;

namespace {

constexpr std::chrono::seconds login_time_max{10};
constexpr std::size_t deliveries_many = 64;  // who holds more does not wait for each
constexpr std::chrono::seconds closing_time_max{10};
constexpr std::chrono::seconds stopping_time_max{1};  // many clients look at their socket only when they need it

}  // namespace

Session::Session(io::Loop& loop, VirtualHosts hosts, Users& users, SessionHost& host, SessionSettings settings)
    : loop_(loop),
      users_(users),
      host_(host),
      hosts_(std::move(hosts)),
      context_(std::make_shared<Context>(loop, hosts_.root(), settings)) {
  context_->frame_size_max = settings.frame_size_max;
  context_->output_waiting = [this] {
    if (client_closes_) close_if_settled();
    if (!in_input_) host_.output_waiting();
  };
  context_->all_durable = [this] {
    if (client_closes_) close_if_settled();
  };
  context_->input_resumed = [this] {
    loop_.post([this, weak = std::weak_ptr<Context>(context_)] {
      if (weak.expired() || stage_ == Stage::over) return;
      input({});
      if (!input_paused()) host_.input_resumed();
    });
  };
  context_->failed = [this](const Refusal& refusal) { fail(refusal); };
  timer_ = loop_.after(login_time_max, [this] { leave(SessionEnd::lost); });
}

Session::~Session() {
  if (stage_ != Stage::over) {
    stage_ = Stage::over;
    if (context_->user) users_.disconnected(context_->user->name, *this);
    context_->close();
    if (began_) context_->broker->end_session(context_->session, SessionEnd::lost);
  }
  loop_.cancel(timer_);
}

void Session::input(std::string_view bytes) {
  if (stage_ == Stage::over) return;
  quiet_beats_ = 0;
  if (unreadable_) {  // frames cannot be told apart any more; what ends it looks like this
    std::string close_ok;
    amqp::write_method(close_ok, 0, amqp::connection::CloseOk{});
    if (bytes.ends_with(close_ok)) leave(SessionEnd::lost);
    return;
  }
  in_input_ = true;
  reader_.feed(bytes);
  take_frames();
  context_->flush();
  context_->resume_consumers();
  reader_.keep();
  in_input_ = false;
  if (client_closes_) close_if_settled();
  if (stage_ != Stage::over && !output().empty()) host_.output_waiting();
}

void Session::take_frames() {
  if (stage_ == Stage::greeting) {
    auto header = reader_.take(amqp::protocol_header.size());
    if (!header) return;
    if (*header != amqp::protocol_header) {
      context_->output = amqp::protocol_header;
      return leave(SessionEnd::lost);
    }
    greet();
  }
  take_held();
  while (stage_ != Stage::over && !input_paused()) {
    auto next = reader_.next();
    if (!next) {
      unreadable_ = true;
      reader_ = {};
      return fail({next.error().code, next.error().text});
    }
    if (!*next) return;
    frame(**next);
  }
  if (context_->overfull()) waits_for_reader_ = true;
}

void Session::frame(const amqp::Frame& frame) {
  at_work_ = {};
  if (frame.type == amqp::FrameType::heartbeat) {
    if (frame.channel != 0) fail({ReplyCode::frame_error, "a heartbeat on a channel other than 0"});
    return;
  }
  if (frame.channel != 0) return channel_frame(frame);
  if (frame.type != amqp::FrameType::method) {
    return fail({ReplyCode::unexpected_frame, "a content frame on channel 0"});
  }
  amqp::Reader in(frame.payload);
  connection_method(MethodId{in.number<std::uint32_t>()}, in);
}

void Session::connection_method(MethodId id, amqp::Reader& in) {
  if (id == MethodId::connection_close_ok) {
    if (stage_ == Stage::closing) leave(SessionEnd::lost);
    return;
  }
  if (id == MethodId::connection_close) {
    if (stage_ == Stage::closing) {  // both closed at once
      amqp::write_method(context_->output, 0, amqp::connection::CloseOk{});
      return;
    }
    context_->flush();
    client_closes_ = true;
    begin_closing();
    return;
  }
  if (stage_ == Stage::closing) return;
  at_work_ = id;
  auto done = step(id, in);
  if (!done) fail(done.error());
}

void Session::channel_frame(const amqp::Frame& frame) {
  if (stage_ == Stage::closing) return;
  if (stage_ != Stage::open) return fail({ReplyCode::channel_error, "a frame on a channel before connection.open"});
  auto found = channels_.find(frame.channel);
  if (found != channels_.end() && found->second->ended()) {
    channels_.erase(found);
    found = channels_.end();
  }
  if (frame.type != amqp::FrameType::method) {
    if (found == channels_.end()) return fail({ReplyCode::channel_error, "a content frame on a channel not open"});
    return found->second->content(frame);
  }
  amqp::Reader in(frame.payload);
  const MethodId id{in.number<std::uint32_t>()};
  if (found != channels_.end() && hold(frame.channel, id, in.rest())) return;
  channel_method(frame.channel, id, in);
}

void Session::channel_method(std::uint16_t number, MethodId id, amqp::Reader& in) {
  at_work_ = id;
  auto found = channels_.find(number);
  if (found == channels_.end()) {
    if (id == MethodId::channel_open) return open_channel(number);
    if (id == MethodId::channel_close_ok) return;
    return fail({ReplyCode::channel_error, "channel " + std::to_string(number) + " is not open"});
  }
  const std::shared_ptr<Channel> channel = found->second;
  channel->method(id, in);
  if (channel->ended() && stage_ == Stage::open) channels_.erase(number);
}

/// What looks into a queue sees what was published to it before on the same connection, although a publish reaches its
/// queue only when it is durable.
bool Session::hold(std::uint16_t number, MethodId id, std::string_view arguments) {
  switch (id) {
    case MethodId::basic_get:
    case MethodId::queue_declare:
    case MethodId::queue_purge:
    case MethodId::queue_delete:
      break;
    default:
      return false;
  }
  context_->flush();
  if (stage_ != Stage::open || !context_->has_open_publishes()) return false;
  held_.emplace(Held{number, id, std::string(arguments)});
  context_->holds_input = true;
  return true;
}

void Session::take_held() {
  if (!held_ || input_paused()) return;
  context_->holds_input = false;
  const Held held = *std::exchange(held_, std::nullopt);
  if (stage_ != Stage::open) return;
  amqp::Reader in(held.arguments);
  channel_method(held.channel, held.id, in);
}

void Session::open_channel(std::uint16_t number) {
  if (number > channel_max_) {
    return fail({ReplyCode::channel_error, "channel " + std::to_string(number) + " is beyond the agreed maximum of " +
                                               std::to_string(channel_max_)});
  }
  auto channel = std::make_shared<Channel>(*context_, number);
  channels_.emplace(number, channel);
  channel->open();
}

void Session::fail(const Refusal& refusal) {
  if (stage_ == Stage::over || stage_ == Stage::closing) return;
  const auto id = static_cast<std::uint32_t>(at_work_);
  amqp::write_method(context_->output, 0,
                     amqp::connection::Close{.reply_code = static_cast<std::uint16_t>(refusal.code),
                                             .reply_text = reply_text(refusal, context_->host),
                                             .failed_class = static_cast<std::uint16_t>(id >> 16),
                                             .failed_method = static_cast<std::uint16_t>(id)});
  begin_closing();
  if (!in_input_) host_.output_waiting();
}

void Session::begin_closing() {
  stage_ = Stage::closing;
  for (auto& [number, channel] : channels_) channel->give_up();
  if (context_->user) users_.disconnected(context_->user->name, *this);
  if (began_) context_->broker->end_session(context_->session, SessionEnd::clean);
  began_ = false;
  loop_.cancel(timer_);
  timer_ = loop_.after(closing_time_max, [this] { leave(SessionEnd::lost); });
}

void Session::close_if_settled() {
  if (stage_ == Stage::over || context_->has_open_publishes()) return;
  for (auto& [number, channel] : channels_) {
    if (!channel->settled()) return;
  }
  context_->write_confirms();
  amqp::write_method(context_->output, 0, amqp::connection::CloseOk{});
  leave(SessionEnd::clean);
}

void Session::leave(SessionEnd how) {
  if (stage_ == Stage::over) return;
  stage_ = Stage::over;
  loop_.cancel(timer_);
  timer_ = 0;
  context_->close();
  if (context_->user) users_.disconnected(context_->user->name, *this);
  if (began_) context_->broker->end_session(context_->session, how);
  began_ = false;
  host_.over();
}

void Session::fence() {
  context_->output.clear();
  leave(SessionEnd::lost);
}

void Session::shut_down(const std::string& reason) {
  if (stage_ == Stage::greeting || stage_ == Stage::login) return leave(SessionEnd::clean);
  fail({ReplyCode::connection_forced, reason});
  if (stage_ != Stage::closing || client_closes_) return;
  loop_.cancel(timer_);
  timer_ = loop_.after(stopping_time_max, [this] { leave(SessionEnd::lost); });
}

std::string& Session::output() {
  if (stage_ != Stage::over) context_->write_confirms();
  if (!context_->output.empty()) wrote_since_beat_ = true;
  return context_->output;
}

void Session::written() {
  if (stage_ != Stage::over && waits_for_reader_ && !context_->overfull()) {
    waits_for_reader_ = false;
    if (!input_paused()) context_->input_resumed();
  }
  if (stage_ != Stage::open || !context_->has_room()) return;
  for (auto& [number, channel] : channels_) channel->resume_consumers();
  context_->resume_consumers();
}

void Session::beat() {
  loop_.cancel(timer_);
  timer_ = 0;
  if (heartbeat_ == 0) return;
  timer_ = loop_.after(std::chrono::milliseconds(heartbeat_ * 500), [this] {
    if (!input_paused() && ++quiet_beats_ > 4) return leave(SessionEnd::lost);
    if (!wrote_since_beat_) {
      amqp::write_heartbeat(context_->output);
      host_.output_waiting();
    }
    wrote_since_beat_ = false;
    beat();
  });
}

bool Session::is_pipelining() const {
  if (context_->has_open_publishes()) return true;
  return std::any_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel.second->unsettled() > deliveries_many; });
}

ConnectionStatus Session::status() const {
  ConnectionStatus status;
  if (context_->user) status.user = context_->user->name;
  status.host = context_->host;
  status.name = client_name_;
  for (const auto& [number, channel] : channels_) status.channels.push_back(channel->status());
  status.traffic = context_->traffic;
  status.output_waiting = context_->output.size();
  status.paused = input_paused() || waits_for_reader_;
  return status;
}

}  // namespace millrace::broker
