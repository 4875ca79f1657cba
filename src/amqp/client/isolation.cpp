#include "amqp/client/isolation.hpp"

#include <algorithm>
#include <utility>

#include "amqp/properties.hpp"
#include "core/log.hpp"

namespace millrace::amqp::client {
namespace {

bool is_suspect(const Delivery& delivery) {
  if (!delivery.redelivered) return false;
  const auto properties = decode_properties(delivery.properties);
  return properties && properties->headers &&
         properties->headers->integer("x-delivery-count") >= Isolation::suspect_from;
}

}  // namespace

Isolation::Isolation(std::uint16_t prefetch, Consumer consumer) : prefetch_(prefetch), consumer_(std::move(consumer)) {}

void Isolation::begin() {
  if (stopped_) return;
  stage_ = Stage::narrow;
  consumer_.consume(1);
}

void Isolation::delivered(Delivery delivery) {
  if (!is_suspect(delivery)) {
    if (stage_ == Stage::narrow && prefetch_ > 1) {
      widens_ = true;
      cancel();
    }
    return hand_on(std::move(delivery));
  }
  if (stage_ == Stage::narrow && out_ == 0) return hand_on(std::move(delivery));
  log::info("a message that has come back repeatedly is worked on alone");
  aside_.push_back(std::move(delivery));
  widens_ = false;
  if (stage_ != Stage::cancelling) cancel();
}

void Isolation::hand_on(Delivery delivery) {
  ++out_;
  consumer_.hand_on(std::move(delivery));
}

void Isolation::cancel() {
  stage_ = Stage::cancelling;
  consumer_.cancel();
}

void Isolation::settled(std::size_t count) {
  out_ -= std::min(out_, count);
  if (stage_ == Stage::idle) go_on();
}

void Isolation::cancelled() {
  stage_ = Stage::idle;
  if (!stopped_ && std::exchange(widens_, false)) {
    stage_ = Stage::wide;
    return consumer_.consume(prefetch_);
  }
  go_on();
}

/// Without a consumer: the next suspect when nothing is out, and when there is none, all begins again.
void Isolation::go_on() {
  if (stopped_ || out_ > 0) return;
  if (aside_.empty()) return begin();
  auto next = std::move(aside_.front());
  aside_.pop_front();
  hand_on(std::move(next));
}

void Isolation::stop() {
  if (std::exchange(stopped_, true)) return;
  if (stage_ == Stage::narrow || stage_ == Stage::wide) cancel();
}

}  // namespace millrace::amqp::client
