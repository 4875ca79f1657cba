#include <string_view>

#include "app/eval_command.hpp"

/// `millrace eval` alone, for the suite and the differential test: no more than the language is linked.
int main(int argc, char** argv) {
  millrace::app::EvalOptions options;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--serve") {
      options.serve = true;
    } else if (options.expression.empty()) {
      options.expression = argv[i];
    } else {
      options.file = argv[i];
    }
  }
  return millrace::app::run_eval(options);
}
