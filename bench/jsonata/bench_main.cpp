#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "jsonata/ast.hpp"
#include "jsonata/evaluator.hpp"
#include "jsonata/expression.hpp"
#include "jsonata/json_printer.hpp"
#include "jsonata/json_reader.hpp"

/// Rates of the six mappings on this engine, one JSON line each, for compare.mjs. `bench_main MAPPING.json… SECONDS`.
namespace {

using namespace millrace::jsonata;

double rate(const std::function<void()>& work, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates;
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::size_t done = 0, batch = 1;
    auto start = Clock::now();
    double passed = 0;
    while (passed < seconds / 3) {
      for (std::size_t i = 0; i < batch; ++i) work();
      done += batch;
      double before = passed;
      passed = std::chrono::duration<double>(Clock::now() - start).count();
      if (passed - before < 0.005) batch *= 2;
    }
    rates.push_back(static_cast<double>(done) / passed);
  }
  std::sort(rates.begin(), rates.end());
  return rates[1];
}

std::string member_text(Arena& arena, Value object, std::string_view name) {
  std::string text;
  print_json(text, *object.object->find(arena, Key::of(name)));
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = std::stod(argv[argc - 1]);
  for (int i = 1; i + 1 < argc; ++i) {
    std::ifstream file(argv[i]);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    Arena arena(1u << 30);
    Value mapping = read_json(arena, text);
    std::string data = member_text(arena, mapping, "data");
    std::string source(mapping.object->find(arena, Key::of("expr"))->string());
    auto expression = Expression::compile(source);
    auto output = expression->evaluate(data);
    bool right = output && *output && **output == member_text(arena, mapping, "expected");

    Program program;
    program.source = source;
    compile_program(program, nullptr);
    Limits limits;
    Arena input_arena(1u << 30);
    Value input = read_json(input_arena, data);
    double evaluations = rate(
        [&] {
          Arena work(limits.memory_max);
          Evaluator(work, program, limits).run(input);
        },
        seconds);
    double whole = rate([&] { (void)expression->evaluate(data); }, seconds);
    double compile = rate([&] { (void)Expression::compile(source); }, seconds / 4);
    std::cout << "{\"name\":\"" << std::string(mapping.object->find(arena, Key::of("name"))->string())
              << "\",\"right\":" << (right ? "true" : "false") << ",\"bytes\":" << data.size()
              << ",\"eval\":" << evaluations << ",\"whole\":" << whole << ",\"compile_us\":" << 1e6 / compile << "}\n";
  }
}
