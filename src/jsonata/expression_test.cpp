#include "jsonata/expression.hpp"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include "jsonata/line_protocol.hpp"

namespace millrace::jsonata {
namespace {

std::string result_of(std::string_view source, std::string_view input = "null", const Limits& limits = {}) {
  auto expression = Expression::compile(source);
  if (!expression) return "fault " + expression.error().code;
  auto outcome = expression->run(input, {}, limits);
  if (!outcome) return "fault " + outcome.error().code;
  if (outcome->kind == Outcome::Kind::undefined) return "undefined";
  return outcome->kind == Outcome::Kind::function ? "function" : outcome->json;
}

}  // namespace

TEST_CASE("A path over objects and arrays yields a sequence, one item standing for itself") {
  CHECK(result_of("a.b", R"({"a":[{"b":1},{"b":[2,3]},{}]})") == "[1,2,3]");
  CHECK(result_of("a.b", R"({"a":[{"b":1}]})") == "1");
  CHECK(result_of("a.b[]", R"({"a":[{"b":1}]})") == "[1]");
  CHECK(result_of("a.x", R"({"a":[{"b":1}]})") == "undefined");
}

TEST_CASE("Numbers print as ECMAScript prints them") {
  CHECK(result_of("[1e21, 1e20, 1e-7, 0.000001, 0.1+0.2, -0.5, 123456789012345680000]") ==
        "[1e+21,100000000000000000000,1e-7,0.000001,0.30000000000000004,-0.5,123456789012345680000]");
  CHECK(result_of("$string(1/3)") == "\"0.333333333333333\"");
  CHECK(result_of("1/0") == "null");
}

TEST_CASE("Members stand in ECMAScript's order, index keys first") {
  CHECK(result_of("$", R"({"b":1,"10":2,"9":3,"a":4,"b":5})") == R"({"9":3,"10":2,"b":5,"a":4})");
}

TEST_CASE("Large objects find every member, also after a transform removes one") {
  std::string input = "{";
  for (int i = 0; i < 1000; ++i) input += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  input += "}";
  CHECK(result_of("[k0, k500, k999, k1000]", input) == "[0,500,999]");
  CHECK(result_of("($ ~> |$|{\"n\":1},\"k500\"|).[k499, k500, n, k501]", input) == "[499,1,501]");
}

TEST_CASE("Text is counted in code points, lone surrogates survive") {
  CHECK(result_of(R"($length("a😀é"))") == "3");
  CHECK(result_of(R"($substring("a😀é", 1, 1))") == "\"😀\"");
  CHECK(result_of("$", R"("\ud800x")") == R"("\ud800x")");
  CHECK(result_of("$", R"("\ud83d\ude00")") == "\"😀\"");
}

TEST_CASE("A fault names its code, its place in UTF-16 units and its token") {
  auto broken = Expression::compile("\"é😀\" + ");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == "S0207");
  CHECK(broken.error().position == 8);
  auto failing = Expression::compile("1 + \"a\"")->evaluate("null");
  REQUIRE_FALSE(failing);
  CHECK(failing.error().code == "T2002");
  CHECK(failing.error().position == 3);
  CHECK(failing.error().token == "+");
  CHECK(failing.error().details_json.find("\"value\":\"a\"") != std::string::npos);
}

TEST_CASE("Text that is not JSON is a fault with its place") {
  for (std::string_view input :
       {"", "{", "[1,]", "{\"a\" 1}", "01", "\"\\x\"", "\"a\nb\"", "nul", "1 2", "[1", "\"\\u12g4\""})
    CHECK_MESSAGE(result_of("$", input) == "fault U1101", input);
}

TEST_CASE("What a fault says of a picture outlives the picture") {
  auto fault = Expression::compile("$fromMillis(0, \"[Y" + std::string(40, 'x') + "]\")")->evaluate("null");
  REQUIRE_FALSE(fault);
  CHECK(fault.error().code == "D3130");
  CHECK(fault.error().details_json.find("\"value\":\"" + std::string(40, 'x') + "\"") != std::string::npos);
}

TEST_CASE("A function that is missing where one is asked for is a fault") {
  CHECK(result_of(R"($replace("b", nope, nope))") == "fault T1010");
  CHECK(result_of(R"($match("b", nope))") == "fault T0410");
  CHECK(result_of("($f := nope; $f(1))") == "fault T1006");
}

TEST_CASE("Numbers at the end of what a double holds are counted and printed, not looped over") {
  CHECK(result_of("[1e21..1e21]") == "[1e+21]");
  CHECK(result_of("$length($formatBase(1.7976931348623157e308, 2))") == "1024");
  CHECK(result_of("$formatInteger(1/0, \"w\")") == "fault D1001");
  CHECK(result_of("$formatNumber(1/0, \"0e0\")") == "\"Infinitye0\"");
}

TEST_CASE("A transform copies with $clone, which an expression may replace") {
  CHECK(result_of("[($ ~> |$|{\"n\":1}|).n, n]", R"({"n":0})") == "[1,0]");
  CHECK(result_of("($clone := 1; $ ~> |$|{}|)", "{}") == "fault T2013");
  CHECK(result_of("($clone := function($o){{\"c\":$o.n}}; $ ~> |$|{\"n\":1}|)", R"({"n":0})") == R"({"c":0,"n":1})");
}

TEST_CASE("Tail calls take no stack") {
  CHECK(result_of("($f := function($n, $s){$n = 0 ? $s : $f($n - 1, $s + $n)}; $f(100000, 0))") == "5000050000");
}

TEST_CASE("Closures keep their variables after their block is left") {
  CHECK(
      result_of("($make := function($n){(function($x){$x + $n})}; $a := $make(1); $b := $make(10); [$a(1), $b(1)])") ==
      "[2,11]");
  CHECK(result_of("($x := 1; ($y := $x; $x := 2; [$y, $x]))") == "[1,2]");
}

TEST_CASE("An expression tells what it mentions and what nothing defines") {
  auto expression = Expression::compile("passthrough.a & $flow.id & $upercase(name) & $sum([1])");
  REQUIRE(expression);
  CHECK(expression->mentions("passthrough"));
  CHECK(expression->mentions("$flow"));
  CHECK_FALSE(expression->mentions("flow"));
  CHECK_FALSE(expression->mentions("$step"));
  auto names = expression->free_names();
  REQUIRE(names.size() == 2);
  CHECK(names[0].name == "flow");
  CHECK_FALSE(names[0].called);
  CHECK(names[1].name == "upercase");
  CHECK(names[1].called);
  CHECK(names[1].position == 36);
}

TEST_CASE("Bindings are variables, also for $eval and in place of library functions") {
  auto expression = Expression::compile("[$a.b, $eval(\"$c\"), $exists($d)]");
  CHECK(**expression->evaluate("null", {{"a", "{\"b\":1}"}, {"c", "2"}}) == "[1,2,false]");
  CHECK(**Expression::compile("$sum")->evaluate("null", {{"sum", "3"}}) == "3");
}

TEST_CASE("One compiled expression is evaluated by several threads at once") {
  auto expression = Expression::compile("$sum(a.(b * 2)) & $replace(\"xay\", /a/, \"-\") & $map([1], $string)");
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        auto result = expression->evaluate(R"({"a":[{"b":1},{"b":2}]})");
        if (result && *result && **result == "\"6x-y1\"") ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 2000);
}

TEST_CASE("The line protocol answers results, undefined, functions and errors") {
  CHECK(answer_line(R"({"id":1,"expr":"a","data":{"a":[1]}})") == R"({"id":1,"result":[1]})");
  CHECK(answer_line(R"({"id":2,"expr":"a"})") == R"({"id":2,"undefined":true})");
  CHECK(answer_line(R"({"id":3,"expr":"$sum"})") == R"({"id":3,"result":null,"function":true})");
  CHECK(answer_line(R"({"id":"x","expr":"("})").find(R"("phase":"compile")") != std::string::npos);
  CHECK(answer_line("nonsense").find("U1101") != std::string::npos);
}

}  // namespace millrace::jsonata
