#include "component/message.hpp"

#include <algorithm>

#include "component/json_text.hpp"

namespace millrace::component {

Result<Message> Message::parse(std::string envelope) {
  Message message;
  message.envelope_ = std::move(envelope);
  const std::string_view text = message.envelope_;
  const auto status = json_text::members(text, [&](std::string_view name, std::string_view value) {
    const auto found = std::find(indexed.begin(), indexed.end(), name);
    if (found == indexed.end()) return;
    message.slices_[static_cast<std::size_t>(found - indexed.begin())] = {
        static_cast<std::size_t>(value.data() - text.data()), value.size()};
  });
  if (!status) return status.error().in("message");
  return message;
}

void Message::append(std::size_t part, std::string_view value) {
  if (value.empty()) return;
  envelope_ += envelope_.empty() ? '{' : ',';
  envelope_ += '"';
  envelope_ += indexed[part];
  envelope_ += "\":";
  slices_[part] = {envelope_.size(), value.size()};
  envelope_ += value;
}

Message Message::make(std::string_view id, std::string_view body, std::string_view headers,
                      std::string_view attachments, std::string_view passthrough) {
  Message message;
  message.envelope_.reserve(id.size() + body.size() + headers.size() + attachments.size() + passthrough.size() + 80);
  message.append(0, json_text::quoted(id));
  message.append(1, body);
  message.append(2, headers);
  message.append(3, attachments);
  message.append(4, passthrough);
  message.envelope_ += '}';
  return message;
}

std::string_view Message::part(std::string_view name) const {
  const auto found = std::find(indexed.begin(), indexed.end(), name);
  if (found == indexed.end()) return json_text::member(envelope_, name);
  const auto& slice = slices_[static_cast<std::size_t>(found - indexed.begin())];
  return std::string_view(envelope_).substr(slice.at, slice.size);
}

std::string Message::id() const {
  return json_text::unquoted(part("id")).value_or(std::string());
}

Message Message::with_body(std::string_view body) const {
  Message copy;
  const auto& old = slices_[1];
  if (old.size == 0) {
    // No body yet: it goes first, what follows moves back by its length.
    const std::size_t open = envelope_.find('{') + 1;
    const bool is_empty = json_text::trimmed(std::string_view(envelope_).substr(open)) == "}";
    std::string inserted = "\"body\":" + std::string(body) + (is_empty ? "" : ",");
    copy.envelope_ = envelope_;
    copy.envelope_.insert(open, inserted);
    copy.slices_ = slices_;
    for (auto& slice : copy.slices_) slice.at += inserted.size();
    copy.slices_[1] = {open + 7, body.size()};
    return copy;
  }
  copy.envelope_.reserve(envelope_.size() - old.size + body.size());
  copy.envelope_.append(envelope_, 0, old.at).append(body).append(envelope_, old.at + old.size);
  copy.slices_ = slices_;
  for (auto& slice : copy.slices_) {
    if (slice.at > old.at) slice.at = slice.at - old.size + body.size();
  }
  copy.slices_[1] = {old.at, body.size()};
  return copy;
}

}  // namespace millrace::component
