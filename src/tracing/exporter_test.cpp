#include "tracing/exporter.hpp"

#include <deque>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "io/sim/loop.hpp"
#include "support/inline_offload.hpp"

using namespace millrace;
using namespace millrace::tracing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A collector that the test plays; `tests/api/traces_test.py` has a real one.
struct Collector {
  struct Asked {
    io::HttpCall call;
    io::Transfers::HttpDone done;
  };
  std::deque<Asked> asked;

  std::size_t spans() const {
    const auto request = boost::json::parse(*asked.front().call.body);
    return request.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array().size();
  }
  void answer(int status, std::string body = "{}", std::string headers = "") {
    REQUIRE(!asked.empty());
    auto one = std::move(asked.front());
    asked.pop_front();
    one.done(io::HttpAnswer{status, std::move(headers), std::move(body), one.call.url});
  }
  void refuse() {
    auto one = std::move(asked.front());
    asked.pop_front();
    one.done(io::TransferFault{io::TransferFault::Kind::unavailable, "connection refused"});
  }
};

class CollectorTransfers final : public io::Transfers {
 public:
  explicit CollectorTransfers(Collector& collector) : collector_(collector) {}
  void http(io::HttpCall call, HttpDone done) override {
    collector_.asked.push_back({std::move(call), std::move(done)});
  }
  void mail(io::MailCall, MailDone) override { FAIL("no mail is sent"); }

 private:
  Collector& collector_;
};

struct Exporting {
  io::sim::SimLoop loop;
  tests::InlineOffload offload;
  Collector collector;
  Exporter exporter{loop,
                    offload,
                    [this]() -> Result<std::unique_ptr<io::Transfers>> {
                      return std::unique_ptr<io::Transfers>(std::make_unique<CollectorTransfers>(collector));
                    },
                    {"http://collector:4318/", {"x-key: secret"}, {"mill", "1.0", "run-1"}}};

  void tell(int count, std::size_t name_size = 10) {
    std::string spans;
    Span span;
    span.context = Context::begin(1);
    span.name = std::string(name_size, 'n');
    for (int i = 0; i < count; ++i) encode(span, spans);
    exporter.take({"orders", 3, "publish", "http.request"}, std::move(spans));
  }
};

}  // namespace

TEST_CASE("spans go out together after a second, with the headers that were asked for") {
  Exporting it;
  it.tell(2);
  it.loop.run_for(milliseconds(900));
  it.tell(1);
  CHECK(it.collector.asked.empty());
  it.loop.run_for(milliseconds(200));
  REQUIRE(it.collector.asked.size() == 1);
  const auto& call = it.collector.asked.front().call;
  CHECK(call.method == "POST");
  CHECK(call.url == "http://collector:4318/v1/traces");
  CHECK(call.headers == std::vector<std::string>{"x-key: secret", "Content-Type: application/json"});
  CHECK(it.collector.spans() == 3);
  it.collector.answer(200);
  CHECK(it.exporter.counts().exported == 3);
}

TEST_CASE("a collector that cannot take them now is asked again, later each time, with what it has not had") {
  Exporting it;
  it.tell(2);
  it.loop.run_for(seconds(1));
  it.collector.refuse();
  it.loop.run_for(milliseconds(999));
  CHECK(it.collector.asked.empty());
  it.loop.run_for(milliseconds(1));
  it.collector.answer(503, "", "Retry-After: 7\r\n");
  it.loop.run_for(milliseconds(6'999));
  CHECK(it.collector.asked.empty());
  it.loop.run_for(milliseconds(1));
  CHECK(it.collector.spans() == 2);
  it.tell(5);
  it.collector.answer(200);
  CHECK(it.exporter.counts().exported == 2);
  CHECK(it.exporter.counts().failures == 2);
  it.loop.run_for(seconds(1));
  CHECK(it.collector.spans() == 5);
}

TEST_CASE("what is refused for good, or rejected, is dropped and counted, and the next goes on") {
  Exporting it;
  it.tell(3);
  it.loop.run_for(seconds(1));
  it.collector.answer(400);
  CHECK(it.exporter.counts().dropped == 3);
  it.tell(4);
  it.loop.run_for(seconds(1));
  it.collector.answer(200, R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}})");
  CHECK(it.exporter.counts().exported == 3);
  CHECK(it.exporter.counts().dropped == 4);
}

TEST_CASE("while nobody takes them, spans are kept up to a limit, then dropped") {
  Exporting it;
  for (int i = 0; i < 400; ++i) it.tell(1, 100'000);
  CHECK(it.exporter.counts().dropped > 200);
  CHECK(it.exporter.counts().dropped < 400 - 100);
  it.exporter.take({}, "", 7);
  const auto dropped = it.exporter.counts().dropped;
  for (int i = 0; it.exporter.counts().exported + dropped < 407; ++i) {
    REQUIRE(i < 400);
    if (it.collector.asked.empty()) it.loop.run_for(seconds(1));
    it.collector.answer(200);
  }
  CHECK(it.exporter.counts().dropped == dropped);
}

TEST_CASE("at the end what is there is sent at once, and nobody waits longer than asked for") {
  Exporting it;
  bool finished = false;
  it.exporter.finish(seconds(2), [&] { finished = true; });
  CHECK(finished);
  finished = false;
  it.tell(1);
  it.exporter.finish(seconds(2), [&] { finished = true; });
  REQUIRE(it.collector.asked.size() == 1);
  CHECK_FALSE(finished);
  it.collector.answer(200);
  CHECK(finished);
  finished = false;
  it.tell(1);
  it.exporter.finish(seconds(2), [&] { finished = true; });
  it.loop.run_for(seconds(2));
  CHECK(finished);
}

TEST_CASE("headers are read as OTEL_EXPORTER_OTLP_HEADERS has them") {
  CHECK(read_headers("")->empty());
  CHECK(*read_headers(" a=1 , b = two%20words%3D2 ,") == std::vector<std::string>{"a: 1", "b: two words=2"});
  for (const auto* bad : {"a", "=1", "a b=1", "a=1%0d%0aX-Evil: 2", "a:b=1"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_headers(bad));
  }
}

TEST_CASE("a text that is no UTF-8, or has quotes, is JSON all the same") {
  std::string spans;
  Span span;
  span.context = Context::begin(1);
  span.name = "a\"b\\\x01\xff\xc3\xa9";
  encode(span, spans);
  OtlpRequest request({"mill", "1.0", "run-1"});
  request.add({"orders", 3, "publish", ""}, spans);
  const auto read = boost::json::parse(std::move(request).json());
  const auto& first = read.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").at(0);
  CHECK(first.at("name") == "a\"b\\\x01?\xc3\xa9");
}
