#include "components/http/poll_state.hpp"

#include <charconv>

#include "component/json_text.hpp"
#include "core/id.hpp"

namespace millrace::components {
namespace json_text = component::json_text;
namespace {

constexpr std::size_t hash_size = 16;

std::string text_of(std::string_view object, std::string_view name) {
  return json_text::unquoted(json_text::member(object, name)).value_or(std::string());
}

}  // namespace

std::string short_hash(std::string_view text) {
  // The first two groups of a UUID and the last, which hold no version bits.
  const auto id = derived_id({text});
  return id.substr(0, 8) + id.substr(24, 8);
}

PollState::PollState(const PollState& other)
    : cursor(other.cursor),
      cursor_pending(other.cursor_pending),
      tick(other.tick),
      next(other.next),
      pages(other.pages),
      order_(other.order_) {
  for (auto entry = order_.begin(); entry != order_.end(); ++entry) by_id_.emplace(entry->id, entry);
}

PollState& PollState::operator=(PollState other) noexcept {
  cursor.swap(other.cursor);
  cursor_pending.swap(other.cursor_pending);
  tick.swap(other.tick);
  next.swap(other.next);
  std::swap(pages, other.pages);
  order_.swap(other.order_);
  by_id_.swap(other.by_id_);
  return *this;
}

Result<PollState> PollState::read(std::string_view json) {
  PollState state;
  const auto status = json_text::members(json, [&](std::string_view name, std::string_view value) {
    if (name == "cursor") state.cursor = value;
    if (name == "cursor_pending") state.cursor_pending = value;
  });
  if (!status) return Error{Error::Kind::damaged, "snapshot: " + status.error().message};
  state.tick = text_of(json, "tick");
  state.next = text_of(json, "next");
  const auto pages = json_text::member(json, "pages");
  std::from_chars(pages.data(), pages.data() + pages.size(), state.pages);
  const auto seen = json_text::member(json, "seen");
  if (seen.empty()) return state;
  const auto walked = json_text::elements(seen, [&](std::string_view pair) {
    if (pair.size() != 2 * hash_size + 2) return;
    state.keep(std::string(pair.substr(1, hash_size)), std::string(pair.substr(1 + hash_size, hash_size)));
  });
  if (!walked) return Error{Error::Kind::damaged, "snapshot: seen: " + walked.error().message};
  return state;
}

std::string PollState::json() const {
  std::string text = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (text.size() > 1) text += ',';
    text.append("\"").append(name).append("\":").append(value);
  };
  add("cursor", cursor);
  add("cursor_pending", cursor_pending);
  if (!tick.empty()) add("tick", json_text::quoted(tick));
  if (!next.empty()) add("next", json_text::quoted(next));
  if (pages > 0) add("pages", std::to_string(pages));
  std::string pairs;
  pairs.reserve(order_.size() * (2 * hash_size + 3) + 2);
  for (const auto& entry : order_) {
    pairs.append(pairs.empty() ? "[\"" : ",\"").append(entry.id).append(entry.content).append("\"");
  }
  if (!pairs.empty()) add("seen", pairs + "]");
  return text + "}";
}

void PollState::keep(std::string id, std::string content) {
  const auto known = by_id_.find(id);
  if (known != by_id_.end()) {
    order_.erase(known->second);
    by_id_.erase(known);
  }
  order_.push_back({id, std::move(content)});
  by_id_.emplace(std::move(id), std::prev(order_.end()));
}

bool PollState::note(std::string_view id, std::string_view content, std::size_t seen_max) {
  auto id_hash = short_hash(id);
  auto content_hash = short_hash(content);
  const auto known = by_id_.find(id_hash);
  const bool is_news = known == by_id_.end() || known->second->content != content_hash;
  keep(std::move(id_hash), std::move(content_hash));
  while (order_.size() > seen_max) {
    by_id_.erase(order_.front().id);
    order_.pop_front();
  }
  return is_news;
}

}  // namespace millrace::components
