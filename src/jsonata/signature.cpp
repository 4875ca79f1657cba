#include "jsonata/signature.hpp"

#include <algorithm>

#include "jsonata/failure.hpp"

namespace millrace::jsonata {
namespace {

std::uint32_t bit_of(char symbol) {
  return symbol < 'a' || symbol > 'z' ? 0 : 1u << (symbol - 'a');
}

std::uint32_t bits_of(std::string_view symbols) {
  std::uint32_t bits = 0;
  for (char symbol : symbols) bits |= bit_of(symbol);
  return bits;
}

char symbol_of(Value value) {
  switch (value.type) {
    case Type::null:
      return 'l';
    case Type::boolean:
      return 'b';
    case Type::number:
      return 'n';
    case Type::string:
      return 's';
    case Type::array:
      return 'a';
    case Type::object:
      return 'o';
    case Type::function:
      return 'f';
    default:
      return 'm';
  }
}

std::string_view plural_of(char symbol) {
  switch (symbol) {
    case 'a':
      return "arrays";
    case 'b':
      return "booleans";
    case 'f':
      return "functions";
    case 'n':
      return "numbers";
    case 'o':
      return "objects";
    case 's':
      return "strings";
    default:
      return "";
  }
}

std::size_t closing(std::string_view text, std::size_t open, char opener, char closer) {
  int depth = 1;
  for (std::size_t i = open + 1; i < text.size(); ++i) {
    if (text[i] == closer && --depth == 0) return i;
    if (text[i] == opener) ++depth;
  }
  return text.size();
}

}  // namespace

Signature Signature::parse(std::string_view text, std::int64_t position) {
  Signature signature;
  signature.text_ = text;
  std::size_t at = 1;
  while (at < text.size() && text[at] != ':') {
    Parameter parameter;
    bool is_parameter = true;
    char symbol = text[at];
    switch (symbol) {
      case 's':
      case 'n':
      case 'b':
      case 'l':
      case 'o':
        parameter.accepts = bit_of(symbol) | bit_of('m');
        break;
      case 'a':
        parameter.accepts = bits_of("asnblfom");
        parameter.array = true;
        break;
      case 'f':
        parameter.accepts = bit_of('f');
        break;
      case 'j':
        parameter.accepts = bits_of("asnblom");
        break;
      case 'x':
        parameter.accepts = bits_of("asnblfom");
        break;
      case '(': {
        std::size_t close = closing(text, at, '(', ')');
        std::string_view choice = text.substr(at + 1, close - at - 1);
        if (choice.find('<') != std::string_view::npos)
          throw Failure{.code = "S0402",
                        .position = position + static_cast<std::int64_t>(at),
                        .value = Value::of(text.substr(at + 1, close - at - 1)),
                        .offset = static_cast<std::int64_t>(at)};
        parameter.accepts = bits_of(choice) | bit_of('m');
        at = close;
        break;
      }
      case '-':
      case '?':
      case '+':
        is_parameter = false;
        if (!signature.parameters_.empty()) {
          Parameter& last = signature.parameters_.back();
          if (symbol == '-') last.context = last.optional = true;
          if (symbol == '?') last.optional = true;
          if (symbol == '+') last.several = true;
        }
        break;
      case '<': {
        is_parameter = false;
        std::size_t close = closing(text, at, '<', '>');
        if (signature.parameters_.empty()) break;
        Parameter& last = signature.parameters_.back();
        char before = text[at - 1];
        if (before != 'a' && before != 'f')
          throw Failure{.code = "S0401",
                        .position = position + static_cast<std::int64_t>(at),
                        .value = Value::of(text.substr(at - 1, 1)),
                        .offset = static_cast<std::int64_t>(at)};
        if (at + 1 < text.size()) last.subtype = text[at + 1];
        last.subtype_nested = close - at > 2;
        at = close;
        break;
      }
      default:
        is_parameter = false;
    }
    if (is_parameter) signature.parameters_.push_back(parameter);
    ++at;
  }
  return signature;
}

/// Greedy matching with backtracking of the argument symbols, as a regular expression would match them.
bool Signature::match_from(std::string_view symbols, std::size_t parameter, std::size_t at, std::vector<int>& counts,
                           bool whole) const {
  if (parameter == counts.size()) return !whole || at == symbols.size();
  const Parameter& p = parameters_[parameter];
  int most = p.several ? 1'000'000 : 1;
  int least = p.optional ? 0 : 1;
  int found = 0;
  while (found < most && at + static_cast<std::size_t>(found) < symbols.size() &&
         (p.accepts & bit_of(symbols[at + static_cast<std::size_t>(found)])) != 0)
    ++found;
  for (; found >= least; --found) {
    counts[parameter] = found;
    if (match_from(symbols, parameter + 1, at + static_cast<std::size_t>(found), counts, whole)) return true;
  }
  return false;
}

bool Signature::fits(const Value* arguments, std::size_t count) const {
  if (count > parameters_.size()) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const Parameter& p = parameters_[i];
    Value value = arguments[i];
    char symbol = symbol_of(value);
    if (p.several || (p.accepts & bit_of(symbol)) == 0) return false;
    if (!p.array || symbol == 'm') continue;
    if (symbol != 'a') return false;
    if (p.subtype != '\0') {
      for (Value item : *value.array) {
        if (symbol_of(item) != p.subtype) return false;
      }
    }
  }
  for (std::size_t i = count; i < parameters_.size(); ++i) {
    if (!parameters_[i].optional || parameters_[i].context) return false;
  }
  return true;
}

void Signature::validate(Arena& arena, std::vector<Value>& arguments, Value context) const {
  std::string symbols;
  for (Value argument : arguments) symbols += symbol_of(argument);
  std::vector<int> counts(parameters_.size());
  if (!match_from(symbols, 0, 0, counts, true)) {
    std::size_t good = 0;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      std::vector<int> partial(i + 1);
      if (!match_from(symbols, 0, 0, partial, false)) break;
      good = 0;
      for (int count : partial) good += static_cast<std::size_t>(count);
    }
    throw Failure{.code = "T0410",
                  .value = good < arguments.size() ? arguments[good] : Value{},
                  .index = static_cast<std::int64_t>(good + 1)};
  }
  std::vector<Value> result;
  result.reserve(parameters_.size());
  std::size_t next = 0;
  auto argument = [&](std::size_t i) { return i < arguments.size() ? arguments[i] : Value{}; };
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& p = parameters_[i];
    if (counts[i] == 0) {
      if (p.context) {
        if ((p.accepts & bit_of(symbol_of(context))) == 0)
          throw Failure{.code = "T0411", .value = context, .index = static_cast<std::int64_t>(next + 1)};
        result.push_back(context);
      } else {
        result.push_back(argument(next));
        ++next;
      }
      continue;
    }
    for (int k = 0; k < counts[i]; ++k, ++next) {
      Value value = argument(next);
      if (!p.array || value.is_undefined()) {
        result.push_back(value);
        continue;
      }
      bool fits = true;
      if (p.subtype != '\0') {
        if (!value.is_array()) {
          fits = counts[i] == 1 && symbol_of(value) == p.subtype && !p.subtype_nested;
        } else if (value.array->size > 0) {
          char first = symbol_of(value.array->items[0]);
          fits = first == p.subtype && std::all_of(value.array->begin(), value.array->end(),
                                                   [&](Value item) { return symbol_of(item) == first; });
        }
      }
      std::string_view wanted = p.subtype_nested ? std::string_view() : plural_of(p.subtype);
      if (!fits)
        throw Failure{.code = "T0412",
                      .value = value,
                      .index = static_cast<std::int64_t>(next + 1),
                      .type = wanted.empty() ? Value{} : Value::of(wanted)};
      if (!value.is_array()) {
        Array* wrapped = make_array(arena, 1);
        wrapped->push(arena, value);
        value = Value::of(wrapped);
      }
      result.push_back(value);
    }
  }
  arguments.swap(result);
}

}  // namespace millrace::jsonata
