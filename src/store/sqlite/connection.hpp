#pragma once

#include <memory>
#include <string>

#include "store/database.hpp"

namespace millrace::store::sqlite {

/// The number of migrations that made the file (schema.hpp), read from its first bytes without opening it as a
/// database, so that a file of a newer version stays exactly as it is. 0: there is no file, or an empty one.
/// Error::damaged if it is no store of Millrace.
Result<std::int64_t> version_of(const std::string& path);

/// One SQLite file as a connection, the only user of the library. Write-ahead log and synchronous = FULL: what is
/// committed survives kill -9 and the loss of power. The file is made if it is not there, readable by its owner only.
/// Statements stay prepared. Memory: about 600 KB.
class SqliteConnection final : public Connection {
 public:
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path);
  ~SqliteConnection() override;

  Result<Rows> execute(std::string_view sql, const std::vector<Value>& parameters) override;
  Result<std::int64_t> now() override;
  Status begin() override;
  Status commit() override;
  void roll_back() override;

  /// Applies the migrations from the `version`th on, all or none, and writes their number into the file's first bytes.
  Status migrate(std::int64_t version);

 private:
  struct State;
  explicit SqliteConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::store::sqlite
