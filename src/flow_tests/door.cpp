#include "flow_tests/door.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/json_text.hpp"
#include "flow_tests/call_document.hpp"

namespace millrace::flow_tests {
using io::HttpAnswer;
using io::HttpCall;
using io::MailAnswer;
using io::MailCall;
using io::TransferFault;
using Kind = TransferFault::Kind;

namespace {

TransferFault fault_of(Kind kind) {
  switch (kind) {
    case Kind::timeout:
      return {kind, "the stub gives no answer in time"};
    case Kind::untrusted:
      return {kind, "the stub's certificate is not trusted"};
    case Kind::login:
      return {kind, "the stub refuses the login", 535};
    default:
      return {kind, "the stub refuses the connection"};
  }
}

Result<HttpAnswer, TransferFault> outcome(const StubAnswer& stub, const HttpCall& call,
                                          const boost::json::object& request) {
  if (stub.fault) return fault_of(*stub.fault);
  HttpAnswer answer;
  answer.status = stub.status;
  answer.url = call.url;
  for (const auto& [name, value] : stub.headers) answer.header_lines += fmt::format("{}: {}\r\n", name, value);
  answer.body = stub.body;
  if (stub.body_from) {
    const auto made = stub.body_from->evaluate(boost::json::serialize(request));
    if (!made) return TransferFault{Kind::invalid, "the stub's body_from fails: " + made.error().message};
    answer.body = made->value_or("");
  }
  if (answer.body.size() > call.response_max) {
    return TransferFault{Kind::too_large, fmt::format("the response is larger than {} bytes", call.response_max)};
  }
  return answer;
}

Result<MailAnswer, TransferFault> outcome(const StubAnswer& stub, const MailCall&, const boost::json::object&) {
  if (stub.fault) return fault_of(*stub.fault);
  auto reply = fmt::format("{} {}", stub.status, stub.body);
  if (stub.status < 400) return MailAnswer{std::move(reply)};
  return TransferFault{stub.status < 500 ? Kind::busy : Kind::rejected, std::move(reply), stub.status};
}

class StubbedTransfers final : public io::Transfers {
 public:
  StubbedTransfers(io::Loop& loop, Journal& journal, std::string step)
      : loop_(loop), journal_(journal), step_(std::move(step)) {}

  void http(HttpCall call, HttpDone done) override { make(Stub::Kind::http, call, std::move(done)); }
  void mail(MailCall call, MailDone done) override { make(Stub::Kind::smtp, call, std::move(done)); }

 private:
  template <class Call, class Done>
  void make(Stub::Kind kind, const Call& call, Done done) {
    auto request = document_of(call);
    const auto* stub = journal_.called(step_, kind, request);
    if (stub == nullptr) return;  // The run is broken: nothing goes on.
    auto result = outcome(*stub, call, request);
    auto delay = stub->after;
    const bool too_late = delay > call.timeout || stub->fault == Kind::timeout;
    if (too_late) {
      delay = call.timeout;
      result = fault_of(Kind::timeout);
    }
    auto tell = [alive = std::weak_ptr<int>(alive_), result = std::move(result), done = std::move(done)] {
      if (!alive.expired()) done(result);
    };
    delay.count() == 0 ? loop_.post(std::move(tell)) : void(loop_.after(delay, std::move(tell)));
  }

  io::Loop& loop_;
  Journal& journal_;
  std::string step_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  ///< gone: nobody is told any more
};

}  // namespace

Result<std::unique_ptr<io::Transfers>> Door::transfers() {
  return std::unique_ptr<io::Transfers>(std::make_unique<StubbedTransfers>(loop_, journal_, step_));
}

void Door::write(Stream, std::string_view line, const Subject&) {
  journal_.line(fmt::format("{} writes: {}", step_, line));
}

}  // namespace millrace::flow_tests
