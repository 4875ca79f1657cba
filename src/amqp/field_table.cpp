#include "amqp/field_table.hpp"

#include <algorithm>

namespace millrace::amqp {

namespace {

template <class Entries>
auto position(Entries& entries, std::string_view name) {
  return std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == name; });
}

}  // namespace

FieldTable::FieldTable() = default;
FieldTable::~FieldTable() = default;
FieldTable::FieldTable(const FieldTable&) = default;
FieldTable::FieldTable(FieldTable&&) noexcept = default;
FieldTable& FieldTable::operator=(const FieldTable&) = default;
FieldTable& FieldTable::operator=(FieldTable&&) noexcept = default;

const FieldValue* FieldTable::find(std::string_view name) const {
  auto found = position(entries_, name);
  return found == entries_.end() ? nullptr : &found->second;
}

void FieldTable::set(std::string_view name, FieldValue value) {
  auto found = position(entries_, name);
  if (found == entries_.end()) {
    append(std::string(name), std::move(value));
  } else {
    found->second = std::move(value);
  }
}

void FieldTable::erase(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == name; });
}

void FieldTable::append(std::string name, FieldValue value) {
  entries_.push_back(Entry{std::move(name), std::move(value)});
}

std::string_view FieldTable::text(std::string_view name, std::string_view otherwise) const {
  const FieldValue* field = find(name);
  const std::string* text = field ? std::get_if<std::string>(&field->value) : nullptr;
  return text ? std::string_view(*text) : otherwise;
}

std::int64_t FieldTable::integer(std::string_view name, std::int64_t otherwise) const {
  const FieldValue* field = find(name);
  if (!field) return otherwise;
  return std::visit(
      [&](const auto& v) -> std::int64_t {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          return static_cast<std::int64_t>(v);
        } else {
          return otherwise;
        }
      },
      field->value);
}

bool FieldTable::boolean(std::string_view name, bool otherwise) const {
  const FieldValue* field = find(name);
  const bool* flag = field ? std::get_if<bool>(&field->value) : nullptr;
  return flag ? *flag : otherwise;
}

bool operator==(const FieldTable& a, const FieldTable& b) {
  return a.entries_ == b.entries_;
}
bool operator==(const FieldValue& a, const FieldValue& b) {
  return a.value == b.value;
}

}  // namespace millrace::amqp
