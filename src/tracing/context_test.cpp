#include "tracing/context.hpp"

#include <doctest/doctest.h>

using millrace::tracing::Context;

namespace {
constexpr auto parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
}

TEST_CASE("a traceparent is read and written as it was") {
  const auto context = Context::read(parent, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
  CHECK(context.trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(context.span_id == "b7ad6b7169203331");
  CHECK(context.sampled);
  CHECK(context.state == "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
  CHECK(context.traceparent() == parent);
}

TEST_CASE("of the flags only the one for sampling is carried on, and the version is ours") {
  const auto later =
      Context::read("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0a-what-the-future-brings", "");
  CHECK_FALSE(later.sampled);
  CHECK(later.traceparent() == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
}

TEST_CASE("what is malformed is no trace") {
  for (const auto* text : {
           "",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
           "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
       }) {
    CAPTURE(text);
    CHECK_FALSE(Context::read(text, "a=b"));
  }
}

TEST_CASE("a tracestate that could break a header, or is too long, is left out") {
  CHECK(Context::read(parent, "a=b\r\nX-Evil: 1").state.empty());
  CHECK(Context::read(parent, std::string(513, 'a')).state.empty());
  CHECK(Context::read(parent, std::string(512, 'a')).state.size() == 512);
}

TEST_CASE("the next span is another one of the same trace") {
  const auto first = Context::read(parent, "a=b");
  const auto second = first.next();
  CHECK(second.trace_id == first.trace_id);
  CHECK(second.span_id != first.span_id);
  CHECK(second.sampled);
  CHECK(second.state == "a=b");
}

TEST_CASE("traces that begin are well-formed, and sampled as often as is asked for") {
  int sampled = 0;
  for (int i = 0; i < 2'000; ++i) {
    const auto begun = Context::begin(0.25);
    REQUIRE(Context::read(begun.traceparent(), ""));
    sampled += begun.sampled ? 1 : 0;
  }
  // 500 are expected; ±200 is more than ten standard deviations.
  CHECK(sampled > 300);
  CHECK(sampled < 700);
  CHECK(Context::begin(1).sampled);
  CHECK_FALSE(Context::begin(0).sampled);
}
