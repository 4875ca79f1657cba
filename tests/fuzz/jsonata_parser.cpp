// Expressions out of arbitrary bytes: compiling ends in a program or in a fault that names its place; nothing crashes.
#include <cstdint>
#include <cstdlib>

#include "jsonata/expression.hpp"

using namespace millrace::jsonata;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  auto expression = Expression::compile(source);
  if (!expression) {
    const Fault& fault = expression.error();
    check(!fault.code.empty() && !fault.message.empty());
    check(!fault.position || *fault.position <= size);
    check(static_cast<bool>(Expression::compile("$")->evaluate(fault.details_json)));  // its details are JSON
    return 0;
  }
  check(expression->source() == source);
  for (const auto& name : expression->free_names()) check(name.position <= size);
  (void)expression->mentions("a");
  return 0;
}
