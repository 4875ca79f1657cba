#include "broker/session/replies.hpp"

#include <doctest/doctest.h>

#include "broker/session/confirm_ledger.hpp"

namespace millrace::broker {
namespace {

template <class Method>
std::string frame(const Method& method) {
  std::string out;
  amqp::write_method(out, 1, method);
  return out;
}

TEST_CASE("answers stand in the order of the questions although the disk is slower for some") {
  std::string out;
  Replies replies(out);
  replies.answer(1, amqp::basic::QosOk{});
  CHECK(out == frame(amqp::basic::QosOk{}));
  out.clear();

  bool announced = false;
  const auto first = replies.hold();
  replies.answer(1, amqp::basic::QosOk{});
  const auto second = replies.hold();
  replies.answer(1, amqp::basic::ConsumeOk{.consumer_tag = "c"}, [&] { announced = true; });
  CHECK(out.empty());
  replies.fulfil(second, frame(amqp::tx::CommitOk{}));
  CHECK(out.empty());
  CHECK_FALSE(announced);
  CHECK_FALSE(replies.settled());
  replies.fulfil(first, frame(amqp::exchange::DeclareOk{}));
  CHECK(out == frame(amqp::exchange::DeclareOk{}) + frame(amqp::basic::QosOk{}) + frame(amqp::tx::CommitOk{}) +
                   frame(amqp::basic::ConsumeOk{.consumer_tag = "c"}));
  CHECK(announced);
  CHECK(replies.settled());
}

TEST_CASE("confirms that come together are told in one method, refusals apart") {
  ConfirmLedger confirms;
  for (std::uint64_t number = 1; number <= 6; ++number) CHECK(confirms.begin() == number);
  std::string out;
  confirms.settle(2, 2, true);
  confirms.write(out, 1);
  CHECK(out.empty());
  confirms.settle(1, 1, true);
  confirms.write(out, 1);
  CHECK(out == frame(amqp::basic::Ack{.delivery_tag = 3, .multiple = true}));
  out.clear();
  confirms.settle(4, 1, false);
  confirms.settle(5, 1, true);
  confirms.write(out, 1);
  CHECK(out == frame(amqp::basic::Nack{.delivery_tag = 4}) + frame(amqp::basic::Ack{.delivery_tag = 5}));
}

}  // namespace
}  // namespace millrace::broker
