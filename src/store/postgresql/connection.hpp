#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/database.hpp"

namespace millrace::store::postgresql {

/// Whether a store's place is a database of PostgreSQL: postgresql://… or postgres://…, as libpq reads it
/// (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING).
bool is_url(std::string_view place);

/// One connection to a schema of a PostgreSQL server (12 or later). Alone, an advisory lock keeps every other store out
/// of the schema for as long as the connection stands. With members, others may use it that are told to share it as
/// well: each transaction sees the database as it was when it began (REPEATABLE READ), and of two that change the same
/// the later one fails and may be begun anew (lost_race). A session that sits within a transaction for
/// `idle_in_transaction_session_timeout` (its process was stopped) is ended by the server. What is committed is on the
/// server's stable storage (synchronous_commit). One that is lost is made anew by the next begin(); what it had begun
/// and not committed never was. Error::unavailable: the server cannot be reached, or went away; it may be tried again.
/// If it goes away while it commits, whether it did is not known, and the error says so. Messages name the server and
/// the database, never the password.
class PostgresqlConnection final : public Connection {
 public:
  /// Error::invalid: no such URL; conflict: another store uses the schema, and did for ten seconds; unavailable;
  /// permission; unsupported: no libpq.
  static Result<std::unique_ptr<PostgresqlConnection>> open(const std::string& url, Sharing sharing = Sharing::alone);
  ~PostgresqlConnection() override;

  Result<Rows> execute(std::string_view sql, const std::vector<Value>& parameters) override;
  Result<std::int64_t> now() override;
  Status begin() override;
  Status commit() override;
  void roll_back() override;
  bool lost_race() const override;

  /// The number of migrations that made the schema's tables (schema.hpp); 0: there are none yet.
  Result<std::int64_t> version();
  /// Brings the tables up to date, all or nothing; of several members one does. Texts are ordered by their bytes, as
  /// SQLite does.
  Status migrate();
  /// "PostgreSQL at 127.0.0.1:5432/millrace".
  const std::string& name() const;

 private:
  class Session;
  explicit PostgresqlConnection(std::unique_ptr<Session> session);
  Status migrate_within();
  std::unique_ptr<Session> session_;
};

}  // namespace millrace::store::postgresql
