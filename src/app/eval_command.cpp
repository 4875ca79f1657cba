#include "app/eval_command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

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

/// The input is no JSON: its own place, "orders.json:3:14".
int report_input(const std::string& file, std::string_view input, const jsonata::Fault& fault) {
  const std::string_view before = input.substr(0, fault.position.value_or(0));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.find_last_of('\n') + 1;  // 0 where there is none
  std::cerr << (file == "-" ? "standard input" : file) << ':' << lines + 1 << ':' << before.size() - line_start + 1
            << ": " << fault.code << ": " << fault.message << '\n';
  return 1;
}

/// nullopt: it cannot be read.
std::optional<std::string> read_input(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    if (std::filesystem::is_directory(file)) return std::nullopt;
    opened.open(file, std::ios::binary);
    if (!opened) return std::nullopt;
  }
  std::ostringstream text;
  text << (file == "-" ? std::cin : opened).rdbuf();
  return std::move(text).str();
}

/// A person waits and can interrupt: more than a worker grants each message.
constexpr jsonata::Limits command_limits{.time_max = std::chrono::minutes(10), .memory_max = std::size_t{4} << 30};

}  // namespace

int run_eval(const EvalOptions& options) {
  if (options.serve) return serve();
  auto expression = jsonata::Expression::compile(options.expression);
  if (!expression) return report(options.expression, expression.error());
  std::optional<std::string> input;
  if (options.file) {
    input = read_input(*options.file);
    if (!input) {
      std::cerr << "cannot read " << *options.file << '\n';
      return 2;
    }
  }
  auto outcome = expression->run(input, {}, command_limits);
  if (!outcome) {
    const bool of_input = input && outcome.error().code.starts_with("U11");
    return of_input ? report_input(*options.file, *input, outcome.error())
                    : report(options.expression, outcome.error());
  }
  if (outcome->kind == jsonata::Outcome::Kind::value) std::cout << outcome->json << '\n';
  if (outcome->kind == jsonata::Outcome::Kind::function) std::cerr << "the result is a function\n";
  return 0;
}

}  // namespace millrace::app
