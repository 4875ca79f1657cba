#include "core/text_diff.hpp"

#include <doctest/doctest.h>

using millrace::unified_diff;

TEST_CASE("texts that are the same have no difference") {
  CHECK(unified_diff("a\nb\n", "a\nb\n", "one", "two").empty());
}

TEST_CASE("a changed line is shown with three lines around it") {
  CHECK(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "one", "two") ==
        "--- one\n+++ two\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("changes that are far from each other are shown apart") {
  const auto diff = unified_diff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n", "one", "two");
  CHECK(diff == "--- one\n+++ two\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n");
}

TEST_CASE("lines that come or go to or from nothing") {
  CHECK(unified_diff("", "a\nb\n", "one", "two") == "--- one\n+++ two\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(unified_diff("a\n", "", "one", "two") == "--- one\n+++ two\n@@ -1,1 +0,0 @@\n-a\n");
}

TEST_CASE("texts that have nothing in common are one replaced by the other, however long") {
  std::string before;
  std::string after;
  for (int i = 0; i < 5'000; ++i) {
    before += "b" + std::to_string(i) + "\n";
    after += "a" + std::to_string(i) + "\n";
  }
  const auto diff = unified_diff(before, after, "one", "two");
  CHECK(diff.starts_with("--- one\n+++ two\n@@ -1,5000 +1,5000 @@\n-b0\n-b1\n"));
  CHECK(diff.ends_with("+a4999\n"));
}
