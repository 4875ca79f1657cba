#include "jsonata/functions/library.hpp"

#include <algorithm>
#include <vector>

namespace millrace::jsonata {
namespace {

std::vector<BuiltIn> make_library() {
  std::vector<BuiltIn> all;
  for (Family family :
       {string_functions(), regex_functions(), encoding_functions(), number_functions(), number_text_functions(),
        date_functions(), array_functions(), object_functions(), higher_order_functions(), control_functions()}) {
    all.insert(all.end(), family.functions, family.functions + family.count);
  }
  std::sort(all.begin(), all.end(), [](const BuiltIn& a, const BuiltIn& b) { return a.name < b.name; });
  for (BuiltIn& function : all) {
    function.signature = Signature::parse(function.signature_text);
    function.self.kind = FunctionKind::builtin;
    function.self.arity = function.arity;
    function.self.builtin = &function;
  }
  return all;
}

}  // namespace

const BuiltIn* find_builtin(std::string_view name) {
  static const std::vector<BuiltIn> library = make_library();
  auto at = std::lower_bound(library.begin(), library.end(), name,
                             [](const BuiltIn& function, std::string_view wanted) { return function.name < wanted; });
  return at != library.end() && at->name == name ? &*at : nullptr;
}

}  // namespace millrace::jsonata
