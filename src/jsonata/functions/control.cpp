#include "jsonata/functions/library.hpp"

namespace millrace::jsonata {
namespace {

Value error(const Call& c) {
  throw Failure{.code = "D3137", .message = Evaluator::truth(c[0]) ? c[0] : Value::of("$error() function evaluated")};
}

Value assert_true(const Call& c) {
  if (Evaluator::truth(c[0])) return {};
  throw Failure{.code = "D3141", .message = Evaluator::truth(c[1]) ? c[1] : Value::of("$assert() statement failed")};
}

Value eval(const Call& c) {
  if (c[0].is_undefined()) return {};
  Value focus = c.input;
  if (c.count > 1 && !c[1].is_undefined()) {
    focus = c[1];
    if (focus.is_array() && !focus.array->sequence) {
      Array* wrapper = make_sequence(c.arena, focus);
      wrapper->outer_wrapper = true;
      focus = Value::of(wrapper);
    }
  }
  return c.evaluator.run_text(c[0].string(), focus, c.frame);
}

const BuiltIn functions[] = {
    {"error", error, "<s?:x>", 1, {}, {}},
    {"assert", assert_true, "<bs?:x>", 2, {}, {}},
    {"eval", eval, "<sx?:x>", 2, {}, {}},
};

}  // namespace

Family control_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
