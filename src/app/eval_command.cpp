#include "app/eval_command.hpp"

#include <fstream>
#include <iostream>
#include <iterator>

#include "jsonata/expression.hpp"
#include "jsonata/line_protocol.hpp"

namespace millrace::app {
namespace {

int serve() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.empty()) continue;
    std::cout << jsonata::answer_line(line) << '\n' << std::flush;
  }
  return 0;
}

/// "line:column" of a position counted in UTF-16 units behind the token that is meant.
std::string place_of(std::string_view source, std::size_t position) {
  std::size_t line = 1, column = 1, units = 0;
  for (std::size_t i = 0; i < source.size() && units + 1 < position; ++i) {
    unsigned char byte = static_cast<unsigned char>(source[i]);
    if ((byte & 0xc0) == 0x80) continue;
    units += byte >= 0xf0 ? 2 : 1;
    ++column;
    if (byte == '\n') {
      ++line;
      column = 1;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

int report(std::string_view source, const jsonata::Fault& fault) {
  if (fault.position) std::cerr << place_of(source, *fault.position) << ": ";
  std::cerr << fault.code << ": " << fault.message << '\n';
  return 1;
}

}  // namespace

int run_eval(const EvalOptions& options) {
  if (options.serve) return serve();
  auto expression = jsonata::Expression::compile(options.expression);
  if (!expression) return report(options.expression, expression.error());
  std::optional<std::string> input;
  if (options.file) {
    if (*options.file == "-") {
      input.emplace(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    } else {
      std::ifstream file(*options.file, std::ios::binary);
      if (!file) {
        std::cerr << "cannot read " << *options.file << '\n';
        return 2;
      }
      input.emplace(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  auto outcome = expression->run(input);
  if (!outcome) return report(options.expression, outcome.error());
  if (outcome->kind == jsonata::Outcome::Kind::value) std::cout << outcome->json << '\n';
  if (outcome->kind == jsonata::Outcome::Kind::function) std::cerr << "the result is a function\n";
  return 0;
}

}  // namespace millrace::app
