#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jsonata/value.hpp"

namespace millrace::jsonata {

/// A function's signature, `<s-n?a<n>:s>` (https://docs.jsonata.org/programming#function-signatures).
class Signature {
 public:
  /// Throws Failure S0401, S0402. `position` is where the signature stands.
  static Signature parse(std::string_view text, std::int64_t position = -1);

  /// Checks and completes the arguments: missing ones from the context where the signature says so, single values
  /// wrapped where it asks for an array. Throws Failure T0410, T0411, T0412.
  void validate(Arena& arena, std::vector<Value>& arguments, Value context) const;

  /// The arguments need neither change nor complaint: true for nearly all calls. False: validate() has to look.
  bool fits(const Value* arguments, std::size_t count) const;

  std::string_view text() const { return text_; }

 private:
  struct Parameter {
    std::uint32_t accepts = 0;  ///< bits of type symbols
    bool optional = false;      ///< `?` and `-`: may be left out
    bool context = false;       ///< `-`: then the context stands in
    bool several = false;       ///< `+`
    bool array = false;         ///< `a`
    char subtype = '\0';
    bool subtype_nested = false;  ///< `a<a<n>>`: only the outer type of the items is checked
  };
  std::vector<int> match(std::string_view symbols) const;
  bool match_from(std::string_view symbols, std::size_t parameter, std::size_t at, std::vector<int>& counts,
                  bool whole) const;

  std::string text_;
  std::vector<Parameter> parameters_;
};

}  // namespace millrace::jsonata
