#include <algorithm>
#include <cmath>
#include <string>

#include "jsonata/functions/library.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

/// One match of a regular expression or of a matcher function, as byte offsets into the subject.
struct Found {
  std::size_t start = 0;
  std::size_t end = 0;
  Value value{};  ///< the match object; made for regular expressions only where asked
  RegexProgram::Match regex{};
};

/// Walks the matches of a subject.
class Matches {
 public:
  Matches(const Call& call, Value matcher, Value subject)
      : call_(call), matcher_(matcher), subject_(subject), text_(subject.string()) {
    if (!matcher.is_function()) throw Failure{.code = "T1010"};
    const Function& function = Evaluator::underlying(matcher);
    if (function.kind == FunctionKind::matcher) regex_ = function.regex;
  }

  bool next(Found& found) {
    call_.evaluator.tick(512);  // one search may take long
    if (regex_ != nullptr) {
      if (!first_ && offset_ >= text_.size()) return false;
      if (!regex_->search(text_, offset_, found.regex)) return false;
      found.start = found.regex.groups[0].start;
      found.end = found.regex.groups[0].end;
      // Only the first match may be empty: from it no search would get on.
      if (!first_ && found.start == found.end) throw Failure{.code = "D1004", .value = Value::of(regex_->pattern())};
      first_ = false;
      offset_ = found.end;
      return true;
    }
    Value result = first_ ? call_.evaluator.call(matcher_, &subject_, 1) : call_.evaluator.call(next_, nullptr, 0);
    first_ = false;
    if (result.is_undefined()) return false;
    const bool scalar = !result.is_array() && !result.is_object() && !result.is_function();
    if (scalar && !Evaluator::truth(result)) {  // the reference takes false, 0 … for a match without more
      next_ = {};
      found = {};
      found.value = result;
      return true;
    }
    auto field = [&](std::string_view name) { return call_.evaluator.lookup(result, Key::of(name)); };
    next_ = field("next");
    Value start = field("start"), end = field("end");
    bool complete = result.is_object() &&
                    (start.is_number() || end.is_number() || field("groups").is_array() || next_.is_function());
    if (!complete) throw Failure{.code = "T1010"};
    found.value = result;
    found.start = offset_of(start);
    found.end = offset_of(end);
    return true;
  }

  Value group(const Found& found, std::size_t i) const {
    if (found.regex.groups != nullptr) {
      const RegexProgram::Span& span = found.regex.groups[i];
      return span.set ? Value::of(text_.substr(span.start, span.end - span.start)) : Value{};
    }
    Value groups = call_.evaluator.lookup(found.value, Key::of("groups"));
    if (i == 0) return call_.evaluator.lookup(found.value, Key::of("match"));
    return groups.is_array() && i <= groups.array->size ? groups.array->items[i - 1] : Value{};
  }

  std::size_t group_count(const Found& found) const {
    if (found.regex.groups != nullptr) return found.regex.group_count - 1;
    Value groups = call_.evaluator.lookup(found.value, Key::of("groups"));
    return groups.is_array() ? groups.array->size : 0;
  }

 private:
  std::size_t offset_of(Value units) const {
    return units.is_number() && units.number > 0
               ? offset_of_utf16(text_, static_cast<std::size_t>(std::min(units.number, 4294967295.0)))
               : 0;
  }

  const Call& call_;
  Value matcher_;
  const RegexProgram* regex_ = nullptr;  ///< of a matcher that is a regular expression
  Value subject_;
  std::string_view text_;
  std::size_t offset_ = 0;
  bool first_ = true;
  Value next_;
};

Value contains(const Call& c) {
  if (c[0].is_undefined() || c[1].is_undefined()) return {};
  if (!c[1].is_function())
    return Value::boolean_of(c[0].string().find(c[1].is_string() ? c[1].string() : "undefined") !=
                             std::string_view::npos);
  Found found;
  return Value::boolean_of(Matches(c, c[1], c[0]).next(found));
}

Value match(const Call& c) {
  if (c[0].is_undefined()) return {};
  if (c[2].is_number() && c[2].number < 0) throw Failure{.code = "D3040", .value = c[2], .index = 3};
  Array* result = make_sequence(c.arena);
  double limit = c[2].is_number() ? c[2].number : INFINITY;
  Matches matches(c, c[1], c[0]);
  Found found;
  std::size_t counted_bytes = 0, counted_units = 0;
  if (!(limit > 0)) return Value::of(result);
  // The next match is sought before the limit is looked at, as the reference does: that may fail.
  bool more = matches.next(found);
  for (double n = 0; more && n < limit; ++n, more = matches.next(found)) {
    Object* entry = make_object(c.arena, 3);
    entry->add(c.arena, Key::of("match"), matches.group(found, 0));
    if (found.start >= counted_bytes) {
      counted_units += count_utf16(c[0].string().substr(counted_bytes, found.start - counted_bytes));
      counted_bytes = found.start;
    }
    entry->add(c.arena, Key::of("index"), Value::of(static_cast<double>(counted_units)));
    std::size_t count = matches.group_count(found);
    Array* groups = make_array(c.arena, count);
    for (std::size_t i = 1; i <= count; ++i) groups->push(c.arena, matches.group(found, i));
    entry->add(c.arena, Key::of("groups"), Value::of(groups));
    result->push(c.arena, Value::of(entry));
  }
  return Value::of(result);
}

/// `$0`, `$1` …, `$$` in a replacement text.
void append_replacement(std::string& out, std::string_view pattern, const Matches& matches, const Found& found) {
  std::size_t position = 0;
  std::size_t at = pattern.find('$', position);
  const std::size_t groups = matches.group_count(found);
  while (at != std::string_view::npos && position < pattern.size()) {
    out.append(pattern.substr(position, at - position));
    position = at + 1;
    char next = position < pattern.size() ? pattern[position] : '\0';
    auto digit = [](char ch) { return ch >= '0' && ch <= '9'; };
    if (next == '$') {
      out += '$';
      ++position;
    } else if (next == '0') {
      Value whole = matches.group(found, 0);
      if (whole.is_string()) out.append(whole.string());
      ++position;
    } else if (!digit(next)) {
      out += '$';
    } else {
      // As many digits as the number of groups could need; one fewer when there is no such group.
      std::size_t digits_max = groups == 0 ? 1 : std::to_string(groups).size();
      std::size_t digits = 0, index = 0;
      while (digits < digits_max && position + digits < pattern.size() && digit(pattern[position + digits])) {
        index = index * 10 + static_cast<std::size_t>(pattern[position + digits] - '0');
        ++digits;
      }
      if (digits > 1 && index > groups) {
        index /= 10;
        --digits;
      }
      if (groups > 0) {
        Value group = index <= groups && index > 0 ? matches.group(found, index) : Value{};
        if (group.is_string()) out.append(group.string());
        position += digits;
      } else {
        ++position;
      }
    }
    at = pattern.find('$', position);
  }
  if (position < pattern.size()) out.append(pattern.substr(position));
}

/// What the function makes of a text found as it is; it gets what it would get of a regular expression's match.
std::string_view replaced_by(const Call& c, std::string_view text, std::size_t at, std::string_view part) {
  double start = static_cast<double>(count_utf16(text.substr(0, at)));
  Object* match = make_object(c.arena, 4);
  match->add(c.arena, Key::of("match"), Value::of(part));
  match->add(c.arena, Key::of("start"), Value::of(start));
  match->add(c.arena, Key::of("end"), Value::of(start + static_cast<double>(count_utf16(part))));
  match->add(c.arena, Key::of("groups"), Value::of(make_array(c.arena)));
  const Value argument = Value::of(match);
  Value replaced = c.evaluator.call(c[2], &argument, 1);
  if (!replaced.is_string()) throw Failure{.code = "D3012", .value = replaced};
  return replaced.string();
}

Value replace(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::string_view text = c[0].string();
  if (c[1].is_string() && c[1].length == 0) throw Failure{.code = "D3010", .value = c[1], .index = 2};
  if (c[3].is_number() && c[3].number < 0) throw Failure{.code = "D3011", .value = c[3], .index = 4};
  double limit = c[3].is_number() ? c[3].number : INFINITY;
  std::string out;
  std::size_t position = 0;
  double done = 0;
  auto check_size = [&] {
    if (out.size() > c.evaluator.memory_max() / 2) throw Failure{.code = "U1002"};
  };
  if (c[1].is_string()) {
    std::string_view part = c[1].string();
    for (std::size_t at = text.find(part); at != std::string_view::npos && done < limit; ++done) {
      out.append(text.substr(position, at - position));
      if (c[2].is_string()) out.append(c[2].string());
      if (c[2].is_function()) out.append(replaced_by(c, text, at, part));
      position = at + part.size();
      at = text.find(part, position);
      check_size();
    }
  } else {
    Matches matches(c, c[1], c[0]);
    Found found;
    bool more = limit > 0 && matches.next(found);
    for (; more && done < limit; more = matches.next(found)) {
      if (found.start < position) break;
      out.append(text.substr(position, found.start - position));
      if (c[2].is_function()) {
        if (found.regex.groups != nullptr) found.value = c.evaluator.match_with(c[1], c[0], found.regex);
        Value replaced = c.evaluator.call(c[2], &found.value, 1);
        if (!replaced.is_string()) throw Failure{.code = "D3012", .value = replaced};
        out.append(replaced.string());
      } else if (c[2].is_string()) {
        append_replacement(out, c[2].string(), matches, found);
      }
      position = found.end;
      ++done;
      check_size();
    }
  }
  if (done == 0) return c[0];
  out.append(text.substr(position));
  return Value::of(c.arena.copy(out));
}

Value split(const Call& c) {
  if (c[0].is_undefined()) return {};
  if (c[2].is_number() && c[2].number < 0) throw Failure{.code = "D3020", .value = c[2], .index = 3};
  std::string_view text = c[0].string();
  double limit = INFINITY;
  if (c[2].is_number()) {  // String.prototype.split takes it modulo 2^32
    limit = !c[1].is_string()            ? c[2].number
            : std::isfinite(c[2].number) ? std::fmod(std::trunc(c[2].number), 4294967296.0)
                                         : 0;
  }
  Array* result = make_array(c.arena);
  auto push = [&](std::string_view part) {
    if (result->size < limit) result->push(c.arena, Value::of(part));
  };
  if (c[1].is_string()) {
    std::string_view separator = c[1].string();
    if (separator.empty()) {
      for (std::size_t at = 0; at < text.size();) {
        std::size_t bytes = code_point_bytes(text, at);
        push(text.substr(at, bytes));
        at += bytes;
      }
      return Value::of(result);
    }
    std::size_t from = 0;
    for (std::size_t at = text.find(separator); at != std::string_view::npos && result->size < limit;
         at = text.find(separator, from)) {
      push(text.substr(from, at - from));
      from = at + separator.size();
    }
    push(text.substr(from));
    return Value::of(result);
  }
  if (!c[1].is_function()) {
    push(text);
    return Value::of(result);
  }
  Matches matches(c, c[1], c[0]);
  Found found;
  std::size_t from = 0;
  bool more = limit > 0 && matches.next(found);
  for (; more && result->size < limit; more = matches.next(found)) {
    push(text.substr(from, found.start - from));
    from = found.end;
  }
  push(text.substr(from));
  return Value::of(result);
}

const BuiltIn functions[] = {
    {"contains", contains, "<s-(sf):b>", 2, {}, {}},
    {"match", match, "<s-f<s:o>n?:a<o>>", 3, {}, {}},
    {"replace", replace, "<s-(sf)(sf)n?:s>", 4, {}, {}},
    {"split", split, "<s-(sf)n?:a<s>>", 3, {}, {}},
};

}  // namespace

Family regex_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
