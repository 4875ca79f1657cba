#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace millrace::store {

/// Bytes that are no text: ciphertext, digests.
struct Bytes {
  std::string data;
};

/// A column's value or a statement's parameter: NULL, a 64-bit integer (times are ms since the Unix epoch), UTF-8 text,
/// or bytes. It is made from these types only; a bool or a pointer does not become one by accident.
class Value {
 public:
  enum class Type { null, integer, text, bytes };

  Value() = default;
  Value(std::int64_t number) : type_(Type::integer), number_(number) {}
  Value(std::string text) : type_(Type::text), text_(std::move(text)) {}
  Value(std::string_view text) : type_(Type::text), text_(text) {}
  Value(const char* text) : type_(Type::text), text_(text) {}
  Value(Bytes bytes) : type_(Type::bytes), text_(std::move(bytes.data)) {}

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::null; }
  /// 0 if it is no number.
  std::int64_t integer() const { return number_; }
  /// Empty if it is neither text nor bytes.
  const std::string& text() const { return text_; }

 private:
  Type type_ = Type::null;
  std::int64_t number_ = 0;
  std::string text_;
};

using Row = std::vector<Value>;

struct Rows {
  std::vector<Row> rows;
  std::int64_t changed = 0;  ///< rows that the statement inserted, updated or deleted

  bool empty() const { return rows.empty(); }
};

/// For a statement whose rows nobody asks for.
inline Status only_done(const Result<Rows>& rows) {
  return rows ? Status(Done{}) : Status(rows.error());
}

/// A database within one transaction, in the SQL that SQLite and PostgreSQL read alike: parameters are $1, $2 …;
/// RETURNING and ON CONFLICT exist; there are no booleans and no dates, only integers. What differs between the two
/// (types of columns) is said in migrations by the words of schema.hpp. Blocks. Not thread-safe.
class Database {
 public:
  virtual ~Database() = default;
  /// Error::conflict when a unique key is taken, Error::io when the database fails us; both say what the database said.
  virtual Result<Rows> execute(std::string_view sql, const std::vector<Value>& parameters = {}) = 0;
  /// What time it is where the database is, ms since the Unix epoch: the same clock for all that share it.
  virtual Result<std::int64_t> now() = 0;
};

/// Whether a store is one platform's, or several may use it at once (PostgreSQL only).
enum class Sharing { alone, with_members };

/// A connection: a Database that transactions are begun and ended on.
class Connection : public Database {
 public:
  virtual Status begin() = 0;
  /// Done: what the transaction did is on stable storage. Otherwise it is rolled back.
  virtual Status commit() = 0;
  virtual void roll_back() = 0;
  /// Whether the last failure came of another's transaction at the same time: begun anew, it may well succeed.
  virtual bool lost_race() const { return false; }
};

}  // namespace millrace::store
