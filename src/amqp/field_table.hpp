#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace millrace::amqp {

struct FieldValue;
struct FieldEntry;

/// A field table (AMQP 0-9-1 §4.2.5.5 with RabbitMQ's type letters,
/// https://www.rabbitmq.com/amqp-0-9-1-errata.html#section_3): names and values in the order they came. Small, so
/// lookups are linear.
class FieldTable {
 public:
  using Entry = FieldEntry;

  FieldTable();
  ~FieldTable();
  FieldTable(const FieldTable&);
  FieldTable(FieldTable&&) noexcept;
  FieldTable& operator=(const FieldTable&);
  FieldTable& operator=(FieldTable&&) noexcept;

  /// The first value of that name, or nullptr.
  const FieldValue* find(std::string_view name) const;
  /// Replaces or appends.
  void set(std::string_view name, FieldValue value);
  void erase(std::string_view name);
  /// Puts an entry last without looking for another of that name: for the decoder, which keeps what came.
  void append(std::string name, FieldValue value);

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const;

  /// Text of a string field, or `otherwise` if it is absent or not a string.
  std::string_view text(std::string_view name, std::string_view otherwise = {}) const;
  /// Value of any integer field, or `otherwise`.
  std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
  bool boolean(std::string_view name, bool otherwise = false) const;

  friend bool operator==(const FieldTable&, const FieldTable&);

 private:
  std::vector<Entry> entries_;
};

using FieldArray = std::vector<FieldValue>;

struct Timestamp {
  std::uint64_t seconds = 0;  ///< since the Unix epoch
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};
struct Decimal {
  std::uint8_t scale = 0;
  std::int32_t value = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};
struct ByteArray {
  std::string bytes;
  friend bool operator==(const ByteArray&, const ByteArray&) = default;
};

/// One value of a field table; the width of an integer is kept so that it goes out as it came in.
struct FieldValue {
  using Variant = std::variant<std::monostate, bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                               std::int32_t, std::uint32_t, std::int64_t, float, double, Decimal, std::string,
                               ByteArray, Timestamp, FieldTable, FieldArray>;
  Variant value;

  FieldValue() = default;
  template <class T>
  requires std::is_constructible_v<Variant, T&&> &&
      (!std::is_same_v<std::remove_cvref_t<T>, FieldValue>)FieldValue(T&& v)
      : value(std::forward<T>(v)) {}
  FieldValue(const char* text) : value(std::string(text)) {}
  FieldValue(std::string_view text) : value(std::string(text)) {}

  friend bool operator==(const FieldValue&, const FieldValue&);
};

/// A name with its value. A class of its own, not a pair, because FieldTable stands in FieldValue before either is
/// complete.
struct FieldEntry {
  std::string first;
  FieldValue second;
  friend bool operator==(const FieldEntry&, const FieldEntry&) = default;
};

inline bool FieldTable::empty() const {
  return entries_.empty();
}

}  // namespace millrace::amqp
