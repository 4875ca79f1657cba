#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/database.hpp"

namespace millrace::store::postgresql {

/// Whether a store's place is a database of PostgreSQL: postgresql://… or postgres://…, as libpq reads it
/// (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING).
bool is_url(std::string_view place);

/// One connection to a schema of a PostgreSQL server (12 or later), which is this store's alone: an advisory lock keeps
/// every other store out of the schema for as long as the connection stands. What is committed is on the server's
/// stable storage (synchronous_commit). One that is lost is made anew by the next begin(); what it had begun and not
/// committed never was. Error::unavailable: the server cannot be reached, or went away; it may be tried again. If it
/// goes away while it commits, whether it did is not known, and the error says so. Messages name the server and the
/// database, never the password.
class PostgresqlConnection final : public Connection {
 public:
  /// Error::invalid: no such URL; conflict: another store uses the schema, and did for ten seconds; unavailable;
  /// permission; unsupported: no libpq.
  static Result<std::unique_ptr<PostgresqlConnection>> open(const std::string& url);
  ~PostgresqlConnection() override;

  Result<Rows> execute(std::string_view sql, const std::vector<Value>& parameters) override;
  Status begin() override;
  Status commit() override;
  void roll_back() override;

  /// The number of migrations that made the schema's tables (schema.hpp); 0: there are none yet.
  Result<std::int64_t> version();
  /// Applies the migrations from the `version`th on, all or none. Texts are ordered by their bytes, as SQLite does.
  Status migrate(std::int64_t version);
  /// "PostgreSQL at 127.0.0.1:5432/millrace".
  const std::string& name() const;

 private:
  class Session;
  explicit PostgresqlConnection(std::unique_ptr<Session> session);
  Status migrate_within(std::int64_t version);
  std::unique_ptr<Session> session_;
};

}  // namespace millrace::store::postgresql
