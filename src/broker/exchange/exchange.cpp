#include "broker/exchange/exchange.hpp"

#include <algorithm>

#include "amqp/properties.hpp"

namespace millrace::broker {
namespace {

void add_once(std::vector<Destination>& to, const Destination& one) {
  if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find('.'));
}

std::optional<std::string_view> after_word(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  return text.substr(dot + 1);
}

/// Equal values; integers whatever their width, floating-point numbers with them: clients choose the type they send.
bool same_value(const amqp::FieldValue& a, const amqp::FieldValue& b) {
  const auto number = [](const amqp::FieldValue& field) {
    return std::visit(
        [](const auto& v) -> std::optional<long double> {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) return static_cast<long double>(v);
          return std::nullopt;
        },
        field.value);
  };
  if (a == b) return true;
  const auto left = number(a);
  return left && left == number(b);
}

/// Headers matching (§3.1.3.4): x-match all (default) or any; other arguments that begin with "x-" count only for
/// all-with-x and any-with-x.
bool headers_match(const amqp::FieldTable& wanted, const Message& message) {
  const auto properties = amqp::decode_properties(message.properties);
  const amqp::FieldTable none;
  const auto& headers = properties && properties->headers ? *properties->headers : none;
  const auto how = wanted.text("x-match", "all");
  const bool any = how.starts_with("any");
  const bool with_x = how.ends_with("-with-x");
  for (const auto& [name, value] : wanted.entries()) {
    if (name == "x-match" || (name.starts_with("x-") && !with_x)) continue;
    const auto* have = headers.find(name);
    const bool same =
        have != nullptr && (std::holds_alternative<std::monostate>(value.value) || same_value(*have, value));
    if (same == any) return any;
  }
  return !any;
}

/// Between dots; none in an empty text.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  if (text.empty()) return words;
  for (std::optional<std::string_view> rest = text; rest; rest = after_word(*rest)) words.push_back(first_word(*rest));
  return words;
}

}  // namespace

/// As wildcards in file names: what follows the last `#` is tried again one word later, so that time is at most the
/// product of both lengths.
bool topic_matches(std::string_view pattern, std::string_view key) {
  const auto wanted = words_of(pattern);
  const auto have = words_of(key);
  std::size_t w = 0;
  std::size_t h = 0;
  std::optional<std::size_t> after_hash;  // where the pattern goes on after its last `#`
  std::size_t taken = 0;                  // words of the key that are before or in the run of that `#`
  while (h < have.size()) {
    if (w < wanted.size() && wanted[w] == "#") {
      after_hash = ++w;
      taken = h;
    } else if (w < wanted.size() && (wanted[w] == "*" || wanted[w] == have[h])) {
      ++w;
      ++h;
    } else if (after_hash) {
      w = *after_hash;
      h = ++taken;
    } else {
      return false;
    }
  }
  while (w < wanted.size() && wanted[w] == "#") ++w;
  return w == wanted.size();
}

Answer<Done> Exchange::accepts(const amqp::FieldTable& arguments) const {
  const auto* how = arguments.find("x-match");
  if (spec_.type != "headers" || how == nullptr) return Done{};
  const auto* text = std::get_if<std::string>(&how->value);
  for (std::string_view known : {"all", "any", "all-with-x", "any-with-x"}) {
    if (text != nullptr && *text == known) return Done{};
  }
  return Refusal{amqp::ReplyCode::precondition_failed,
                 "Invalid x-match field value " + (text == nullptr ? "of another type than text" : "'" + *text + "'") +
                     "; expected all, any, all-with-x, or any-with-x"};
}

bool Exchange::has(const Binding& binding) const {
  return std::any_of(bindings_.begin(), bindings_.end(), [&](const Binding& have) {
    return have.to == binding.to && have.key == binding.key && have.arguments == binding.arguments;
  });
}

bool Exchange::bind(Binding binding) {
  if (has(binding)) return false;
  if (spec_.type == "direct") add_once(by_key_[binding.key], binding.to);
  bindings_.push_back(std::move(binding));
  return true;
}

bool Exchange::unbind(const Destination& to, std::string_view key, const amqp::FieldTable& arguments) {
  const auto removed = std::erase_if(bindings_, [&](const Binding& binding) {
    return binding.to == to && binding.key == key && binding.arguments == arguments;
  });
  const bool still =
      std::any_of(bindings_.begin(), bindings_.end(), [&](const Binding& b) { return b.to == to && b.key == key; });
  if (const auto found = by_key_.find(std::string(key)); found != by_key_.end() && !still) {
    std::erase(found->second, to);
    if (found->second.empty()) by_key_.erase(found);
  }
  return removed > 0;
}

bool Exchange::forget(const Destination& to) {
  const auto removed = std::erase_if(bindings_, [&](const Binding& binding) { return binding.to == to; });
  if (removed == 0) return false;
  for (auto entry = by_key_.begin(); entry != by_key_.end();) {
    std::erase(entry->second, to);
    entry = entry->second.empty() ? by_key_.erase(entry) : std::next(entry);
  }
  return true;
}

bool Exchange::takes(const Binding& binding, const Message& message, std::string_view key) const {
  if (spec_.type == "fanout") return true;
  if (spec_.type == "topic") return topic_matches(binding.key, key);
  return headers_match(binding.arguments, message);
}

void Exchange::route(const Message& message, const std::string& key, std::vector<Destination>& to) const {
  if (spec_.type == "direct") {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    for (const auto& one : found->second) add_once(to, one);
    return;
  }
  for (const auto& binding : bindings_) {
    if (takes(binding, message, key)) add_once(to, binding.to);
  }
}

}  // namespace millrace::broker
