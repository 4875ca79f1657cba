#include "client.hpp"

#include <fmt/format.h>

#include "amqp/properties.hpp"

namespace millrace::simulation {

using amqp::MethodId;

namespace {

constexpr std::chrono::milliseconds beat_span{500};  // half of the heartbeat interval
constexpr int quiet_beats_max = 5;

}  // namespace

Client::Client(Surroundings& around, std::shared_ptr<Line> line, std::string name, Habit habit)
    : around_(around), line_(std::move(line)), name_(std::move(name)), habit_(habit) {
  reader_.set_frame_size_max(amqp::frame_size_usual);
  line_->attach(Line::client, *this);
  send_bytes(amqp::protocol_header);
  beat();
}

Client::~Client() {
  end();
  line_->leave(Line::client);
}

void Client::end() {
  if (stage_ == Stage::gone) return;
  stage_ = Stage::gone;
  around_.loop.cancel(timer_);
  if (purging_) around_.ledger.end_purge();
  purging_.reset();
}

void Client::vanish() {
  if (stage_ == Stage::gone) return;
  around_.tell(name_ + " vanishes");
  if (purging_) line_->cut_after(Line::client, 0, false);  // it might still arrive, and nobody would count it
  end();
  line_->leave(Line::client);
}

void Client::lost() {
  if (stage_ != Stage::gone) around_.tell(name_ + " has lost its connection");
  end();
}

void Client::fault(const std::string& what) {
  around_.complain(name_ + ": " + what);
}

void Client::beat() {
  timer_ = around_.loop.after(beat_span, [this] {
    if (++quiet_beats_ > quiet_beats_max) {
      line_->cut_after(Line::client, 0, true);
      return lost();
    }
    std::string bytes;
    amqp::write_heartbeat(bytes);
    if (stage_ != Stage::login) send_bytes(bytes);
    beat();
  });
}

void Client::received(std::string_view bytes) {
  quiet_beats_ = 0;
  reader_.feed(bytes);
  while (stage_ != Stage::gone) {
    const auto next = reader_.next();
    if (!next) return fault("the broker sent what is no frame: " + next.error().text);
    if (!*next) break;
    frame(**next);
  }
  reader_.keep();
}

void Client::frame(const amqp::Frame& frame) {
  if (frame.type == amqp::FrameType::heartbeat) return;
  if (frame.channel > transacting) return fault("a frame on a channel that is not open");
  if (frame.type != amqp::FrameType::method) return content(frame.channel, frame);
  amqp::Reader in(frame.payload);
  const MethodId id{in.number<std::uint32_t>()};
  if (frame.channel != 0 && channels_[frame.channel].incoming) return fault("a method in the midst of a content");
  frame.channel == 0 ? connection_method(id, in) : channel_method(frame.channel, id, in);
}

void Client::connection_method(MethodId id, amqp::Reader& in) {
  switch (id) {
    case MethodId::connection_start:
      return start(amqp::connection::Start::read(in));
    case MethodId::connection_tune:
      send(0, amqp::connection::TuneOk{.channel_max = 8, .frame_max = frame_size_max_, .heartbeat = 1});
      return send(0, amqp::connection::Open{.virtual_host = "/"});
    case MethodId::connection_open_ok:
      stage_ = Stage::open;
      return set_up();
    case MethodId::connection_close: {
      const auto close = amqp::connection::Close::read(in);
      around_.tell(fmt::format("{} is told: {} {}", name_, close.reply_code, close.reply_text));
      if (!around_.may_be_refused) fault(fmt::format("the broker closes: {} {}", close.reply_code, close.reply_text));
      send(0, amqp::connection::CloseOk{});
      return end();
    }
    case MethodId::connection_close_ok:
      if (stage_ != Stage::leaving) fault("connection.close-ok, and nobody had closed");
      if (!unconfirmed_.empty() && !around_.may_be_refused) fault("connection.close-ok before the confirms");
      return end();
    case MethodId::connection_blocked:
      around_.tell(name_ + " is blocked");
      return;
    case MethodId::connection_unblocked:
      return;
    default:
      return fault(std::string("unexpected ") + std::string(amqp::name(id)));
  }
}

void Client::channel_method(std::uint16_t channel, MethodId id, amqp::Reader& in) {
  auto& state = channels_[channel];
  const auto begin = [&](Incoming incoming) { state.incoming.emplace(std::move(incoming)); };
  switch (id) {
    case MethodId::basic_deliver: {
      const auto method = amqp::basic::Deliver::read(in);
      const auto consumer = state.consumers.find(std::string(method.consumer_tag));
      if (consumer == state.consumers.end()) return fault("a delivery for a consumer that there is not");
      return begin({consumer->second, method.delivery_tag, method.redelivered, false, true, {}, {}, 0});
    }
    case MethodId::basic_get_ok: {
      const auto method = amqp::basic::GetOk::read(in);
      if (state.gets.empty()) return fault("basic.get-ok, and nobody had asked");
      const auto queue = state.gets.front();
      state.gets.pop_front();
      return begin({queue, method.delivery_tag, method.redelivered, false, false, {}, {}, 0});
    }
    case MethodId::basic_get_empty:
      if (state.gets.empty()) return fault("basic.get-empty, and nobody had asked");
      return state.gets.pop_front();
    case MethodId::basic_return:
      return begin({{}, 0, false, true, false, {}, {}, 0});
    case MethodId::basic_ack: {
      const auto method = amqp::basic::Ack::read(in);
      return confirmed(method.delivery_tag, method.multiple, true);
    }
    case MethodId::basic_nack: {
      const auto method = amqp::basic::Nack::read(in);
      if (!around_.may_be_refused) fault("a publish was refused");
      return confirmed(method.delivery_tag, method.multiple, false);
    }
    case MethodId::queue_declare_ok:
      return answered();
    case MethodId::queue_purge_ok:
      return purged();
    case MethodId::tx_commit_ok:
      return committed();
    case MethodId::channel_close_ok:
      return set_up();
    case MethodId::channel_close: {
      const auto close = amqp::channel::Close::read(in);
      return fault(fmt::format("channel {} is closed: {} {}", channel, close.reply_code, close.reply_text));
    }
    default:
      return;
  }
}

void Client::content(std::uint16_t channel, const amqp::Frame& frame) {
  auto& incoming = channels_[channel].incoming;
  if (!incoming) return fault("a content that nothing stands before");
  if (frame.type == amqp::FrameType::header) {
    const auto header = amqp::read_content_header(frame.payload);
    if (!header || incoming->size) return fault("a content header that cannot be read, or a second one");
    incoming->size = header->body_size;
    if (const auto properties = amqp::decode_properties(header->properties); properties && properties->headers)
      incoming->place = properties->headers->integer("x-millrace-place");
    if ((incoming->queue == families::ordered.main) != (incoming->place != 0))
      return fault("a delivery of an ordered queue, and only that, has a place");
  } else {
    if (!incoming->size) return fault("a body before its header");
    incoming->body += frame.payload;
  }
  if (incoming->body.size() > *incoming->size) return fault("a body larger than its header says");
  if (incoming->body.size() == *incoming->size) arrived(channel);
}

void Client::arrived(std::uint16_t channel) {
  auto& state = channels_[channel];
  const auto incoming = *std::exchange(state.incoming, std::nullopt);
  const auto id = incoming.body.substr(0, incoming.body.find(' '));
  if (incoming.returned) {
    for (auto& [tag, unconfirmed] : unconfirmed_) {
      if (unconfirmed.unroutable && id == fmt::format("nowhere{}", tag)) unconfirmed.unroutable = false;
    }
    return;
  }
  // What comes after the close was sent may long be somebody else's.
  if (stage_ == Stage::leaving || (reopening_ && channel == consuming)) return;
  Copy* copy = nullptr;
  around_.tell(fmt::format("{} gets {} from {}{}", name_, id, incoming.queue, incoming.redelivered ? ", again" : ""));
  if (auto wrong = around_.ledger.delivered(incoming.queue, id, incoming.redelivered, copy)) return fault(*wrong);
  if (incoming.tag <= std::exchange(state.tag, incoming.tag)) fault("delivery tags do not grow");
  if (incoming.by_consumer && !incoming.redelivered) check_order(state, incoming, *copy);
  state.held.emplace(incoming.tag, Held{copy, incoming.queue, incoming.by_consumer, incoming.place});
  std::map<std::string, std::uint16_t> out;
  for (const auto* all : {&state.held, channel == transacting ? &taken_ : nullptr}) {
    if (all == nullptr) continue;
    for (const auto& [tag, held] : *all)
      out[held.queue] = static_cast<std::uint16_t>(out[held.queue] + held.by_consumer);
  }
  if (state.prefetch != 0 && out[incoming.queue] > state.prefetch)
    fault(fmt::format("{} deliveries are out of {}, the prefetch is {}", out[incoming.queue], incoming.queue,
                      state.prefetch));
  if (habit_ == Habit::hungry) acknowledge_at_once(channel, incoming.tag);
}

void Client::check_order(ChannelState& state, const Incoming& incoming, const Copy& copy) {
  if (incoming.queue != copy.family->main || copy.family == &families::ordered) return;
  auto& last = state.last[{incoming.queue, copy.stream, copy.priority}];
  if (copy.number <= last) fault(fmt::format("{} overtook one published before it on {}", copy.id, incoming.queue));
  last = copy.number;
}

void Client::certain_until(std::uint64_t settlings) {
  for (; settlings_certain_ < settlings; ++settlings_certain_) {
    NetworkLedger::settled(*settlings_.front().copy, settlings_.front().moving);
    settlings_.pop_front();
  }
}

void Client::confirmed(std::uint64_t tag, bool multiple, bool stored) {
  if (multiple ? tag > last_confirm_tag_ : !unconfirmed_.contains(tag)) return fault(fmt::format("confirm of {}", tag));
  const auto last = unconfirmed_.upper_bound(tag);
  for (auto it = multiple ? unconfirmed_.begin() : std::prev(last); it != last; it = unconfirmed_.erase(it)) {
    if (!stored) continue;
    if (it->second.unroutable) fault("a confirm of what was to be returned, and was not");
    for (auto* copy : it->second.copies) {
      around_.tell(fmt::format("{} hears that {} is stored", name_, copy->id));
      copy->made = Known::yes;
    }
    certain_until(it->second.settlings_before);
  }
}

void Client::committed() {
  if (!committing_) return fault("tx.commit-ok, and nobody had asked");
  around_.tell(name_ + " hears that its transaction is done");
  around_.ledger.finish(committing_);
  committing_.reset();
  if (!around_.may_be_refused) certain_until(settlings_before_commit_);
}

void Client::answered() {
  if (asked_.empty()) return fault("queue.declare-ok, and nobody had asked");
  if (!around_.may_be_refused) certain_until(asked_.front());
  asked_.pop_front();
  if (asked_.empty()) around_.all_declared = true;
}

void Client::purged() {
  if (!purging_) return fault("queue.purge-ok, and nobody had asked");
  for (auto* copy : *purging_) copy->settled = Known::yes;
  purging_.reset();
  around_.ledger.end_purge();
}

}  // namespace millrace::simulation
