#include "broker/session/confirm_ledger.hpp"

#include "amqp/frame.hpp"
#include "core/check.hpp"

namespace millrace::broker {

std::uint64_t ConfirmLedger::begin() {
  outcomes_.push_back(Outcome::open);
  return confirmed_ + outcomes_.size();
}

void ConfirmLedger::settle(std::uint64_t first, std::uint64_t count, bool stored) {
  MILLRACE_CHECK(first > confirmed_ && first - confirmed_ - 1 + count <= outcomes_.size(), "no such publish");
  for (std::uint64_t number = first; number < first + count; ++number) {
    outcomes_[number - confirmed_ - 1] = stored ? Outcome::stored : Outcome::refused;
  }
}

ConfirmLedger::Written ConfirmLedger::write(std::string& out, std::uint16_t channel) {
  Written written;
  while (!outcomes_.empty() && outcomes_.front() != Outcome::open) {
    const Outcome outcome = outcomes_.front();
    std::uint64_t run = 0;
    while (!outcomes_.empty() && outcomes_.front() == outcome) {
      outcomes_.pop_front();
      ++run;
    }
    confirmed_ += run;
    (outcome == Outcome::stored ? written.stored : written.refused) += run;
    if (outcome == Outcome::stored) {
      amqp::write_method(out, channel, amqp::basic::Ack{.delivery_tag = confirmed_, .multiple = run > 1});
    } else {
      amqp::write_method(out, channel, amqp::basic::Nack{.delivery_tag = confirmed_, .multiple = run > 1});
    }
  }
  return written;
}

}  // namespace millrace::broker
