#include <cmath>

#include "jsonata/evaluator.hpp"
#include "jsonata/functions/library.hpp"
#include "jsonata/number.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

/// A copy as writing and reading JSON would make it, which is what the reference does.
Value json_copy(Arena& arena, Value value) {
  switch (value.type) {
    case Type::array: {
      guard_walk();
      Array* copy = make_array(arena, value.array->size);
      for (Value item : *value.array) copy->push(arena, item.is_undefined() ? Value::null() : json_copy(arena, item));
      return Value::of(copy);
    }
    case Type::object: {
      guard_walk();
      Object* copy = make_object(arena, value.object->size);
      for (const Member& member : *value.object) {
        if (!member.value.is_undefined()) copy->add(arena, member.key, json_copy(arena, member.value));
      }
      return Value::of(copy);
    }
    case Type::number:
      if (std::isnan(value.number)) return Value::null();
      if (std::isinf(value.number)) throw Failure{.code = "D1001", .value = value};
      return Value::of(to_15_digits(value.number) + 0.0);
    case Type::function:
      return Value::of("");
    default:
      return value;
  }
}

}  // namespace

Value Evaluator::clone(Value value) {
  if (value.is_array() && value.array->outer_wrapper && value.array->size > 0) value = value.array->items[0];
  return json_copy(arena_, value);
}

Value Evaluator::transform(const Function& function, Value argument) {
  const Node* node = function.node;
  if (argument.is_undefined()) return {};
  Value clone_function = find_variable("clone", function.frame);
  if (!clone_function.is_function()) throw Failure{.code = "T2013", .position = node->position};
  Value result = apply(clone_function, &argument, 1, Value::null(), function.frame);
  Value matches = eval(node->left, result, function.frame);
  if (matches.is_undefined()) return result;
  const Value* items = matches.is_array() ? matches.array->items : &matches;
  std::uint32_t size = matches.is_array() ? matches.array->size : 1;
  for (std::uint32_t i = 0; i < size; ++i) {
    Value match = items[i];
    Value update = eval(node->right, match, function.frame);
    if (!update.is_undefined()) {
      if (!update.is_object()) throw Failure{.code = "T2011", .position = node->right->position, .value = update};
      if (match.is_object()) {
        for (const Member& member : *update.object) match.object->set(arena_, member.key, member.value);
      }
    }
    if (node->third == nullptr) continue;
    Value removed = eval(node->third, match, function.frame);
    if (removed.is_undefined()) continue;
    const Value* names = removed.is_array() ? removed.array->items : &removed;
    std::uint32_t count = removed.is_array() ? removed.array->size : 1;
    for (std::uint32_t k = 0; k < count; ++k) {
      if (!names[k].is_string()) throw Failure{.code = "T2012", .position = node->third->position, .value = removed};
    }
    for (std::uint32_t k = 0; k < count && match.is_object(); ++k)
      match.object->remove(arena_, Key::of(names[k].string()));
  }
  return result;
}

/// A regular expression called as a function; `from` is where to begin, in UTF-16 code units.
Value Evaluator::apply_matcher(const Function& function, Value subject, Value from) {
  if (!subject.is_string()) subject = Value::of(text_of(subject));
  std::size_t offset = 0;
  if (from.is_number() && from.number >= 1) {
    if (from.number > static_cast<double>(count_utf16(subject.string()))) return {};
    offset = offset_of_utf16(subject.string(), static_cast<std::size_t>(from.number));
  }
  return next_match(*function.regex, subject, offset, true);
}

Value Evaluator::next_match(const RegexProgram& regex, Value subject, std::size_t offset, bool first) {
  if (!first && offset >= subject.length) return {};
  RegexProgram::Match match;
  if (!regex.search(subject.string(), offset, match)) return {};
  if (!first && match.groups[0].start == match.groups[0].end)
    throw Failure{.code = "D1004", .value = Value::of(regex.pattern())};
  return match_value(regex, subject, match);
}

Value Evaluator::match_value(const RegexProgram& regex, Value subject, const RegexProgram::Match& match) {
  std::string_view text = subject.string();
  auto part = [&](const RegexProgram::Span& span) {
    return span.set ? Value::of(text.substr(span.start, span.end - span.start)) : Value{};
  };
  Array* groups = make_array(arena_, match.group_count);
  for (std::size_t i = 1; i < match.group_count; ++i) groups->push(arena_, part(match.groups[i]));
  std::size_t start = count_utf16(text.substr(0, match.groups[0].start));
  Value matched = part(match.groups[0]);
  Object* result = make_object(arena_, 5);
  auto add = [&](std::string_view key, Value value) { result->add(arena_, Key::of(key), value); };
  add("match", matched);
  add("start", Value::of(static_cast<double>(start)));
  add("end", Value::of(static_cast<double>(start + count_utf16(matched.string()))));
  add("groups", Value::of(groups));
  add("next", Value::of(arena_.make<Function>(Function{.kind = FunctionKind::next_match,
                                                       .arity = 0,
                                                       .regex = &regex,
                                                       .subject = subject,
                                                       .offset = match.groups[0].end})));
  return Value::of(result);
}

/// The program of a text that is evaluated where `outer` is the innermost scope; compiled once for an evaluation.
const Program& Evaluator::program_of(std::string_view source, const Scope* outer) {
  if (auto known = evaluated_.find({outer, source}); known != evaluated_.end()) return *known->second;
  auto program = std::make_unique<Program>();
  program->source = source;
  program->of_eval = true;
  try {
    compile_program(*program, outer);
  } catch (const Failure& failure) {  // its values lie in the program
    if (failure.code[0] == 'U') throw Failure{.code = failure.code};
    throw Failure{.code = "D3120", .value = Value::of(arena_.copy(message_of(failure))), .inner = keep_inner(failure)};
  }
  evaluated_memory_ += sizeof(Program) + program->nodes.size() * sizeof(Node) + program->arena.reserved();
  if (evaluated_memory_ > limits_.memory_max) throw Failure{.code = "U1002"};
  std::string_view key = program->source;
  return *evaluated_.emplace(std::pair{outer, key}, std::move(program)).first->second;
}

Value Evaluator::run_text(std::string_view source, Value focus, Frame* frame) {
  const Scope* outer = nullptr;
  for (Frame* at = frame; at != nullptr && outer == nullptr; at = at->outer) outer = at->scope;
  const Program& inner = program_of(source, outer);
  try {
    Frame* own = make_frame(inner.root_scope, frame);
    Value result = eval(inner.root, focus, own);
    // What it binds is bound for the expression around it.
    for (std::size_t i = 0; own != frame && i < inner.root_scope->names.size(); ++i) {
      if (own->slots[i].type == Type::unset) continue;
      for (Frame* at = frame; at != nullptr; at = at->outer) {
        int slot = at->scope == nullptr ? -1 : at->scope->slot_of(inner.root_scope->names[i]);
        if (slot < 0) continue;
        at->slots[slot] = own->slots[i];
        break;
      }
    }
    return result;
  } catch (const Failure& failure) {
    if (failure.code[0] == 'U') throw;
    throw Failure{.code = "D3121", .value = Value::of(arena_.copy(message_of(failure))), .inner = keep_inner(failure)};
  }
}

const InnerFault* Evaluator::keep_inner(const Failure& failure) {
  return arena_.make<InnerFault>(InnerFault{arena_.copy(fault_json(failure))});
}

}  // namespace millrace::jsonata
