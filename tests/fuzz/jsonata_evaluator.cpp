// Expressions over documents, split by the first NUL, with small limits: each ends in time, in JSON, nothing or a
// fault. Nothing crashes, and nothing is leaked.
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "jsonata/expression.hpp"

using namespace millrace::jsonata;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_json(std::string_view text) {
  static const Expression itself = *Expression::compile("$");
  return static_cast<bool>(itself.evaluate(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = bytes.find('\0');
  auto expression = Expression::compile(bytes.substr(0, end));
  if (!expression) return 0;
  std::optional<std::string_view> input;
  if (end != std::string_view::npos) input = bytes.substr(end + 1);
  const Limits limits{.time_max = std::chrono::milliseconds(100), .depth_max = 500, .memory_max = 8u << 20};
  const auto started = std::chrono::steady_clock::now();
  auto outcome = expression->run(input, {{"bound", R"({"a":[1,"b"]})"}}, limits);
  check(std::chrono::steady_clock::now() - started < std::chrono::seconds(10));  // far beyond, with sanitizers
  if (!outcome) {
    check(!outcome.error().code.empty() && is_json(outcome.error().details_json));
  } else if (outcome->kind == Outcome::Kind::value) {
    check(is_json(outcome->json));
  }
  return 0;
}
