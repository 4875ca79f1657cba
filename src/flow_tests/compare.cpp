#include "flow_tests/compare.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/evaluation.hpp"
#include "component/utf8.hpp"
#include "gateway/media_type.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;
using flow::Node;
using flow::NodePtr;

namespace {

bool same_scalar(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_double() || b.is_double()) return a.to_number<double>() == b.to_number<double>();
    return a == b;
  }
  return a == b;
}

const Node* below(const Node* node, std::string_view key) {
  if (node == nullptr || node->kind != Node::Kind::mapping) return nullptr;
  if (const auto* exact = node->find(key)) return exact;
  // Names of headers are compared in lower case.
  const auto is_it = [&](const Node::Entry& entry) { return gateway::lower(entry.key) == key; };
  const auto found = std::ranges::find_if(node->entries, is_it);
  return found == node->entries.end() ? nullptr : found->value.get();
}

const Node* below(const Node* node, std::size_t index) {
  const bool there = node != nullptr && node->kind == Node::Kind::list && index < node->items.size();
  return there ? node->items[index].get() : nullptr;
}

/// Walks what is wanted beside what came.
class Comparison {
 public:
  Comparison(PartField::How how, std::vector<Mismatch>& found) : how_(how), found_(found) {}

  /// `node` is where `wanted` is written; nullptr: inside of something that is written elsewhere, at `offset`.
  void value(const json::value& wanted, const json::value& got, const Node* node, std::size_t offset,
             const std::string& path) {
    if (node != nullptr) offset = node->offset;
    if (wanted.is_object() && got.is_object()) {
      members(wanted.get_object(), got.get_object(), node, offset, path);
    } else if (wanted.is_array() && got.is_array()) {
      items(wanted.get_array(), got.get_array(), node, offset, path);
    } else if (!same_scalar(wanted, got)) {
      found_.push_back({offset, path, fmt::format("expected {}, got {}", shown(wanted), shown(got))});
    }
  }

 private:
  void members(const json::object& wanted, const json::object& got, const Node* node, std::size_t offset,
               const std::string& path) {
    for (const auto& [key, value_wanted] : wanted) {
      const auto* next = below(node, key);
      const auto place = fmt::format("{}.{}", path, std::string_view(key));
      if (const auto* there = got.if_contains(key)) {
        value(value_wanted, *there, next, offset, place);
      } else {
        found_.push_back({next == nullptr ? offset : next->offset, place,
                          fmt::format("expected {}, but it is not there", shown(value_wanted))});
      }
    }
    if (how_ == PartField::How::contains) return;
    for (const auto& [key, value_got] : got) {
      if (wanted.contains(key)) continue;
      found_.push_back({offset, fmt::format("{}.{}", path, std::string_view(key)),
                        fmt::format("is there as {}, but not expected", shown(value_got))});
    }
  }

  void items(const json::array& wanted, const json::array& got, const Node* node, std::size_t offset,
             const std::string& path) {
    const auto both = std::min(wanted.size(), got.size());
    for (std::size_t i = 0; i < both; ++i) {
      value(wanted[i], got[i], below(node, i), offset, fmt::format("{}[{}]", path, i));
    }
    if (wanted.size() == got.size()) return;
    found_.push_back({offset, path,
                      fmt::format("expected {} item{}, got {}: {}", wanted.size(), wanted.size() == 1 ? "" : "s",
                                  got.size(), shown(got))});
  }

  PartField::How how_;
  std::vector<Mismatch>& found_;
};

}  // namespace

std::string shown(const json::value& value) {
  constexpr std::size_t length_max = 400;
  auto text = json::serialize(value);
  if (text.size() <= length_max) return text;
  return std::string(component::utf8::head(text, length_max)) + "…";
}

bool fits_pattern(std::string_view pattern, std::string_view text) {
  // The last star is tried again one character further when what follows it does not fit.
  std::size_t p = 0;
  std::size_t t = 0;
  auto star = std::string_view::npos;
  std::size_t resumed = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resumed = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resumed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::optional<Mismatch> mismatch(const Condition& condition, const json::object& thing) {
  const auto held = condition.expression.evaluate(json::serialize(thing));
  if (!held) {
    return Mismatch{condition.offset, condition.path,
                    fmt::format("JSONata {}: {} (over {})", held.error().code, held.error().message, shown(thing))};
  }
  if (component::is_true(*held)) return std::nullopt;
  return Mismatch{condition.offset, condition.path,
                  fmt::format("is not true, but {}, of {}", held->value_or("nothing"), shown(thing))};
}

std::vector<Mismatch> mismatches(const Expected& expected, const json::object& thing) {
  std::vector<Mismatch> found;
  for (const auto& check : expected.checks) {
    const auto* got = thing.if_contains(check.field.part);
    if (got == nullptr) {
      found.push_back(
          {check.written->offset, check.path, fmt::format("expected {}, but there is none", shown(check.wanted))});
    } else if (check.field.how != PartField::How::pattern) {
      Comparison(check.field.how, found).value(check.wanted, *got, check.written.get(), 0, check.path);
    } else if (!got->is_string() ||
               !fits_pattern(std::string_view(check.wanted.get_string()), std::string_view(got->get_string()))) {
      found.push_back(
          {check.written->offset, check.path, fmt::format("expected {}, got {}", shown(check.wanted), shown(*got))});
    }
  }
  if (expected.that) {
    if (auto wrong = mismatch(*expected.that, thing)) found.push_back(std::move(*wrong));
  }
  return found;
}

}  // namespace millrace::flow_tests
