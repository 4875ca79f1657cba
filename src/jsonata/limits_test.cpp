#include <doctest/doctest.h>

#include "jsonata/expression.hpp"

namespace millrace::jsonata {
namespace {

/// The code of the fault, or what the expression yields.
std::string outcome_of(std::string_view source, const Limits& limits = {}, std::string_view input = "null") {
  auto expression = Expression::compile(source);
  if (!expression) return expression.error().code;
  auto outcome = expression->run(input, {}, limits);
  return outcome ? outcome->json : outcome.error().code;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

/// An expression over a value that is small in memory and has 2^60 paths through it.
std::string over_many_paths(std::string_view pair, std::string_view rest) {
  return "($d := function($s, $n){$n = 0 ? $s : $d(" + std::string(pair) + ", $n - 1)}; $x := $d([], 60); " +
         std::string(rest) + ")";
}

const Limits short_time{.time_max = std::chrono::milliseconds(50)};
const Limits little_memory{.memory_max = 4u << 20};

}  // namespace

TEST_CASE("Endless recursion ends at the depth or the time of its limits") {
  CHECK(outcome_of("($f := function($n){1 + $f($n)}; $f(1))") == "U1001");
  CHECK(outcome_of("($f := function(){[$f()]}; $f())") == "U1001");
  CHECK(outcome_of("($f := function($n){$map([1], function(){$f($n)})}; $f(0))") == "U1001");
  CHECK(outcome_of("($f := function($x){$x ~> $f}; $f(1))") == "U1001");
  CHECK(outcome_of("($s := \"$eval($s)\"; $eval($s))") == "U1001");
  CHECK(outcome_of("($f := function($n){$f($n)}; $f(1))", short_time) == "U1001");
  CHECK(outcome_of("($f := function($n){1 + $f($n)}; $f(1))", {.depth_max = 100}) == "U1001");
}

TEST_CASE("Text that grows without end needs too much memory") {
  CHECK(outcome_of("$pad(\"a\", 1000000000)") == "U1002");
  CHECK(outcome_of("$pad(\"a\", 1e300)") == "U1002");
  CHECK(outcome_of("($d := function($s){$d($s & $s)}; $d(\"ab\"))", little_memory) == "U1002");
  CHECK(outcome_of("($d := function($s){$d($join([$s, $s]))}; $d(\"ab\"))", little_memory) == "U1002");
  CHECK(outcome_of("$replace($pad(\"\", 10000, \"a\"), \"a\", $pad(\"\", 10000, \"b\"))", little_memory) == "U1002");
  CHECK(outcome_of("$replace($pad(\"\", 10000, \"a\"), /a/, $pad(\"\", 10000, \"b\"))", little_memory) == "U1002");
  CHECK(outcome_of("$encodeUrl($pad(\"\", 1000000, \"é\"))", little_memory) == "U1002");
  CHECK(outcome_of("$formatInteger(1e15, \"I\")") == "U1002");
}

TEST_CASE("Lists that grow without end need too much memory") {
  CHECK(outcome_of("[1..10000001]") == "D2014");
  CHECK(outcome_of("[1..10000000]", little_memory) == "U1002");
  CHECK(outcome_of("[1..3000].[1..3000]", little_memory) == "U1002");
  CHECK(outcome_of("($d := function($s){$d($append($s, $s))}; $d([1]))", little_memory) == "U1002");
  CHECK(outcome_of("$map([1..100000], function($x){$x & \"0123456789\"})", little_memory) == "U1002");
  CHECK(outcome_of(over_many_paths("{\"a\": $s, \"b\": $s}", "$string($x)"), little_memory) == "U1002");
  CHECK(outcome_of(over_many_paths("{\"a\": $s, \"b\": $s}", "$x"), little_memory) == "U1002");
}

TEST_CASE("Walks over a value with more paths than there is time end in time") {
  for (std::string_view walk : {"$x = $d([], 60)", "$boolean($x)", "$keys($x)", "$count($x.**)", "$x.*",
                                "$distinct([$x, $d([], 60)])", "$x ? 1 : 2"})
    CHECK_MESSAGE(outcome_of(over_many_paths("[[$s], [$s]]", walk), short_time) == "U1001", walk);
}

TEST_CASE("A regular expression that backtracks without end is a fault") {
  CHECK(outcome_of("$contains(\"" + repeated("a", 40) + "\", /(a+)+(b|c|d)+$/)") == "U1001");
  CHECK(outcome_of("$match($pad(\"\", 60, \"a\") & \"!\", /^(a|aa)+$/)") == "U1001");
}

TEST_CASE("A comparison that never agrees with itself ends, in the order it made") {
  CHECK(outcome_of("$count($sort([1..1000], function($a, $b){true}))") == "1000");
  CHECK(outcome_of("$count($sort([1..1000], function($a, $b){$random() > 0.5}))") == "1000");
  CHECK(outcome_of("$sort([1..1000000], function($a, $b){$random() > 0.5})", short_time) == "U1001");
}

TEST_CASE("A picture that no person wrote is refused") {
  for (std::string_view call : {"$formatNumber(1e300, $p)", "$formatInteger(1, $p)", "$parseInteger(\"1\", $p)",
                                "$fromMillis(0, $p)", "$toMillis(\"1\", $p)", "$now($p)"})
    CHECK_MESSAGE(outcome_of("($p := $pad(\"\", 100000, \"#,\") & \"0\"; " + std::string(call) + ")") == "U1003", call);
}

TEST_CASE("A source too large or too deep is a fault, also for $eval") {
  CHECK(outcome_of(repeated("(", 100'000)) == "U1001");
  CHECK(outcome_of(repeated("-", 100'000) + "1") == "U1001");
  CHECK(outcome_of("1" + repeated("+1", 100'000)) == "U1002");
  CHECK(outcome_of("$eval($pad(\"1\", 300000, \"+1\"))") == "U1002");
  CHECK(outcome_of("[1..100000].$eval(\"1+\" & $)", little_memory) == "U1002");
  CHECK(outcome_of("$count([1..100000].$eval(\"1\"))") == "100000");
}

TEST_CASE("Input nested too deep is a fault, output as deep as it may be is printed") {
  CHECK(outcome_of("$", {}, repeated("[", 10'000) + repeated("]", 10'000)) == "U1102");
  CHECK(outcome_of("$", {}, repeated("{\"a\":", 10'000) + "1" + repeated("}", 10'000)) == "U1102");
  std::string deep = repeated("[", 4'000) + repeated("]", 4'000);
  CHECK(outcome_of("$", {}, deep) == deep);
}

}  // namespace millrace::jsonata
