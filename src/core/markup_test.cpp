#include "core/markup.hpp"

#include <doctest/doctest.h>

using namespace millrace;

TEST_CASE("text becomes what a reader of HTML or XML takes for that text") {
  CHECK(as_markup(R"(<a href="x">R&D</a>)") == "&lt;a href=&quot;x&quot;&gt;R&amp;D&lt;/a&gt;");
  CHECK(as_markup("grüß Gott\n") == "grüß Gott\n");
}
