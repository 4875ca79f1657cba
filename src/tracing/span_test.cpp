#include "tracing/span.hpp"

#include <doctest/doctest.h>

#include "history/record.hpp"
#include "io/sim/loop.hpp"

using namespace millrace;
using namespace millrace::tracing;

namespace {

Span some_span() {
  Span span;
  span.context = Context::read("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b");
  span.parent = "00f067aa0ba902b7";
  span.name = "process publish";
  span.kind = Span::Kind::consumer;
  span.begin_ns = 1'700'000'000'000'000'001;
  span.end_ns = 1'700'000'000'000'500'000;
  span.attributes = {{"text", std::string("grüße")}, {"number", std::int64_t{-3}}, {"truth", true}};
  span.failure = "the target said no";
  return span;
}

}  // namespace

TEST_CASE("a span travels whole, one behind another") {
  std::string bytes;
  encode(some_span(), bytes);
  encode(some_span(), bytes);
  std::string_view rest = bytes;
  REQUIRE(history::skip_record(rest));
  const auto read = take_span(rest);
  REQUIRE(read);
  CHECK(rest.empty());
  const auto sent = some_span();
  CHECK(read->context.traceparent() == sent.context.traceparent());
  CHECK(read->context.state == "a=b");
  CHECK(read->parent == sent.parent);
  CHECK(read->name == sent.name);
  CHECK(read->kind == sent.kind);
  CHECK(read->begin_ns == sent.begin_ns);
  CHECK(read->end_ns == sent.end_ns);
  CHECK(read->failure == sent.failure);
  REQUIRE(read->attributes.size() == 3);
  CHECK(std::get<std::string>(read->attributes[0].value) == "grüße");
  CHECK(std::get<std::int64_t>(read->attributes[1].value) == -3);
  CHECK(std::get<bool>(read->attributes[2].value));
}

TEST_CASE("what is cut off or garbled is no span, at any place") {
  std::string bytes;
  encode(some_span(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    CHECK_FALSE(take_span(cut));
    CHECK(cut.size() == size);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto garbled = bytes;
    garbled[at] = static_cast<char>(garbled[at] ^ 0xff);
    std::string_view rest = garbled;
    static_cast<void>(take_span(rest));  // may be another span; never reads beyond its end (ASan)
  }
}

TEST_CASE("a span lasts as long as the steady clock says, whatever becomes of the wall clock") {
  io::sim::SimLoop loop;
  const auto active = Active::below({}, 1, loop);
  loop.run_for(std::chrono::milliseconds(1500));
  const auto span = active.over("x", Span::Kind::internal, loop);
  CHECK(span.end_ns - span.begin_ns == 1'500'000'000);
  CHECK(span.parent.empty());
  CHECK(span.context.sampled);
  const auto below = Active::below(span.context, 0, loop);
  CHECK(below.parent == span.context.span_id);
  CHECK(below.context.trace_id == span.context.trace_id);
}
