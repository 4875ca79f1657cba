// Compiled once, evaluated by four threads at once: the same results on all, and nothing for the thread sanitizer to
// say.
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "jsonata/expression.hpp"

using namespace millrace::jsonata;

namespace {

/// What touches state that threads might share: the library and its static tables, regular expressions, failures that
/// remember where a function was called, `$eval`, transforms, closures, big objects, kept chunks of memory.
constexpr std::string_view sources[] = {
    "$sum(lines.(price * qty))",
    "lines^(>price){sku: $string(qty)}",
    "lines.opts.{\"k\": k, \"of\": %.sku}",
    "lines@$l#$i.$l.opts.[$i, $l.sku, k]",
    "$replace(text, /(\\w)(\\w+)/, \"$2$1\") & $uppercase(text) & $pad(text, 40, \"-\")",
    "$match(text, /o/).index",
    "$map([1..50], function($i){$i * 2}) ~> $filter(function($v){$v % 3 = 0}) ~> $sum",
    "$fromMillis(1521801216617, \"[FNn], [D1o] [MNn] [Y] [W] [Z]\", \"+0530\") & $formatNumber(1234.5, \"#,##0.00\")",
    "$toMillis(\"27th April 2008\", \"[D1o] [MNn] [Y0001]\") & $formatInteger(1984, \"w;o\")",
    "$ ~> |lines|{\"total\": price * qty}, \"opts\"| ~> $string",
    "$eval(\"$sum(lines.qty) + 1\")",
    "($f := function($n){$n = 0 ? 0 : $f($n - 1)}; $f(500))",
    "$keys($merge([1..60].{\"k\" & $: $}))",
    "$distinct(lines.opts.k) & $join($sort(lines.sku), \",\")",
    "lines.sku + 1",
    "$map(lines, function($l){$uppercase($l.qty)})",
    "$contains(text, /(a+)+$/) & $base64encode(text) & $encodeUrl(text)",
    "$number(\"x\")",
};
constexpr std::string_view input = R"({"text":"Hello wörld of mappings","lines":[
  {"sku":"x","qty":2,"price":1.5,"opts":[{"k":"c"},{"k":"s"}]},{"sku":"y","qty":1,"price":10,"opts":[]},
  {"sku":"a","qty":7,"price":0.25,"opts":[{"k":"c"}]}]})";

std::string outcome_of(const Expression& expression) {
  auto outcome = expression.run(input);
  return outcome ? outcome->json : outcome.error().details_json;
}

}  // namespace

int main() {
  std::vector<Expression> expressions;
  for (std::string_view source : sources) expressions.push_back(*Expression::compile(source));
  constexpr int thread_count = 4, rounds = 40;
  std::vector<std::vector<std::string>> outcomes(thread_count);
  std::vector<std::thread> threads;
  for (auto& own : outcomes) {
    threads.emplace_back([&own, &expressions] {
      for (int round = 0; round < rounds; ++round) {
        own.clear();
        for (const Expression& expression : expressions) own.push_back(outcome_of(expression));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int wrong = 0;
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const std::string alone = outcome_of(expressions[i]);
    for (const auto& own : outcomes) wrong += own[i] == alone ? 0 : 1;
    std::cout << alone << "\n";
  }
  return wrong == 0 ? 0 : 1;
}
