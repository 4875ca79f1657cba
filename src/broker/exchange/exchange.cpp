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

/// Headers matching (§3.1.3.4): x-match all (default) or any; arguments that begin with "x-" do not count.
bool headers_match(const amqp::FieldTable& wanted, const Message& message) {
  const auto properties = amqp::decode_properties(message.properties);
  const amqp::FieldTable none;
  const auto& headers = properties && properties->headers ? *properties->headers : none;
  const bool any = wanted.text("x-match", "all").starts_with("any");
  for (const auto& [name, value] : wanted.entries()) {
    if (name.starts_with("x-")) continue;
    const auto* have = headers.find(name);
    const bool same = have != nullptr && (std::holds_alternative<std::monostate>(value.value) || *have == value);
    if (same == any) return any;
  }
  return !any;
}

}  // namespace

bool topic_matches(std::string_view pattern, std::string_view key) {
  std::optional<std::string_view> words = pattern;
  std::optional<std::string_view> have = key.empty() ? std::nullopt : std::optional(key);
  while (words) {
    const auto word = first_word(*words);
    const auto rest = after_word(*words);
    if (word == "#") {
      if (!rest) return true;
      for (;; have = after_word(*have)) {
        if (topic_matches(*rest, have.value_or(std::string_view()))) return true;
        if (!have) return false;
      }
    }
    if (!have) return false;
    if (word != "*" && word != first_word(*have)) return false;
    words = rest;
    have = after_word(*have);
  }
  return !have;
}

bool Exchange::bind(Binding binding) {
  for (const auto& have : bindings_) {
    if (have.to == binding.to && have.key == binding.key && have.arguments == binding.arguments) return false;
  }
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
