#include "store/sqlite/connection.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "core/check.hpp"
#include "store/schema.hpp"

namespace millrace::store::sqlite {
namespace {

constexpr std::uint32_t application_id = 0x4d494c4c;  // "MILL"
constexpr std::size_t statements_max = 128;           // prepared ones that are kept

// https://www.sqlite.org/fileformat.html#the_database_header
constexpr std::size_t header_size = 100;
constexpr std::size_t user_version_at = 60;
constexpr std::size_t application_id_at = 68;

std::uint32_t big_endian(const std::array<unsigned char, header_size>& header, std::size_t at) {
  return std::uint32_t{header[at]} << 24 | std::uint32_t{header[at + 1]} << 16 | std::uint32_t{header[at + 2]} << 8 |
         header[at + 3];
}

Error::Kind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return Error::Kind::conflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error::Kind::damaged;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return Error::Kind::permission;
    default:
      return Error::Kind::io;
  }
}

/// A statement at work: left clean for its next use.
class Running {
 public:
  explicit Running(sqlite3_stmt* statement) : statement_(statement) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  int bind(const std::vector<Value>& parameters) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const int index = sqlite3_bind_parameter_index(statement_, fmt::format("${}", i + 1).c_str());
      MILLRACE_CHECK(index > 0, "a statement is given a parameter that it does not name");
      if (const int code = bind(index, parameters[i]); code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
  }

  int next(Rows& into) {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW) return code;
    Row row;
    for (int i = 0; i < sqlite3_column_count(statement_); ++i) row.push_back(column(i));
    into.rows.push_back(std::move(row));
    return code;
  }

 private:
  int bind(int index, const Value& value) {
    const auto size = static_cast<sqlite3_uint64>(value.text().size());
    switch (value.type()) {
      case Value::Type::null:
        return sqlite3_bind_null(statement_, index);
      case Value::Type::integer:
        return sqlite3_bind_int64(statement_, index, value.integer());
      case Value::Type::text:
        return sqlite3_bind_text64(statement_, index, value.text().data(), size, SQLITE_STATIC, SQLITE_UTF8);
      case Value::Type::bytes:
        return sqlite3_bind_blob64(statement_, index, value.text().data(), size, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
  }

  Value column(int index) const {
    switch (sqlite3_column_type(statement_, index)) {
      case SQLITE_INTEGER:
        return static_cast<std::int64_t>(sqlite3_column_int64(statement_, index));
      case SQLITE_NULL:
        return {};
      default:
        break;
    }
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, index));
    std::string bytes(data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, index)));
    if (sqlite3_column_type(statement_, index) == SQLITE_BLOB) return Bytes{std::move(bytes)};
    return bytes;
  }

  sqlite3_stmt* statement_;
};

}  // namespace

struct SqliteConnection::State {
  explicit State(std::string file) : path(std::move(file)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const auto& [sql, statement] : statements) sqlite3_finalize(statement);
    sqlite3_close(database);
  }

  Error failure(int code) const {
    return {kind_of(code),
            fmt::format("{}: {}", path, database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database))};
  }

  /// Several statements, without parameters and results.
  Status script(const std::string& sql) {
    if (const int code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK) {
      return failure(code);
    }
    return Done{};
  }

  Result<sqlite3_stmt*> prepared(std::string_view sql) {
    if (const auto known = statements.find(sql); known != statements.end()) return known->second;
    if (statements.size() >= statements_max) {
      sqlite3_finalize(statements.begin()->second);
      statements.erase(statements.begin());
    }
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK) return failure(code);
    statements.emplace(sql, statement);
    return statement;
  }

  std::string path;
  sqlite3* database = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements;
};

Result<std::int64_t> version_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::int64_t{0};
  if (file < 0) return Error{Error::Kind::permission, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  std::array<unsigned char, header_size> header{};
  const auto size = ::read(file, header.data(), header.size());
  ::close(file);
  if (size == 0) return std::int64_t{0};
  const bool ours = size == static_cast<ssize_t>(header_size) && std::memcmp(header.data(), "SQLite format 3", 16) == 0;
  if (!ours) {
    return Error{
        Error::Kind::damaged,
        fmt::format("{} is no store of Millrace (bring it back from a backup, or choose another data folder)", path)};
  }
  const auto owner = big_endian(header, application_id_at);
  if (owner == 0 && big_endian(header, user_version_at) == 0) return std::int64_t{0};  // not migrated before a crash
  if (owner != application_id) {
    return Error{Error::Kind::damaged,
                 fmt::format("{} is another program's database (choose another data folder)", path)};
  }
  return std::int64_t{big_endian(header, user_version_at)};
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path) {
  auto state = std::make_unique<State>(path);
  // SQLite gives a new file the rights of the process; this one holds digests of secrets.
  if (const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); file >= 0) ::close(file);
  const int code =
      sqlite3_open_v2(path.c_str(), &state->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return state->failure(code);
  sqlite3_extended_result_codes(state->database, 1);
  sqlite3_busy_timeout(state->database, 5'000);  // somebody looks with the sqlite3 program
  const auto ready = state->script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -512;"
      "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 256");
  if (!ready) return ready.error();
  return std::unique_ptr<SqliteConnection>(new SqliteConnection(std::move(state)));
}

SqliteConnection::SqliteConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteConnection::~SqliteConnection() = default;

Result<Rows> SqliteConnection::execute(std::string_view sql, const std::vector<Value>& parameters) {
  const auto statement = state_->prepared(sql);
  if (!statement) return statement.error();
  Running running(*statement);
  if (const int code = running.bind(parameters); code != SQLITE_OK) return state_->failure(code);
  Rows result;
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = running.next(result);
  if (code != SQLITE_DONE) return state_->failure(code);
  result.changed = sqlite3_changes64(state_->database);
  return result;
}

Result<std::int64_t> SqliteConnection::now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

Status SqliteConnection::begin() {
  return state_->script("BEGIN IMMEDIATE");
}

Status SqliteConnection::commit() {
  auto done = state_->script("COMMIT");
  if (!done) roll_back();
  return done;
}

void SqliteConnection::roll_back() {
  // Where SQLite has rolled back by itself there is nothing left to do.
  if (sqlite3_get_autocommit(state_->database) == 0) static_cast<void>(state_->script("ROLLBACK"));
}

Status SqliteConnection::migrate(std::int64_t version) {
  if (auto begun = begin(); !begun) return begun;
  const auto all = migrations();
  auto done =
      state_->script(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, all.size()));
  for (auto next = static_cast<std::size_t>(version); done && next < all.size(); ++next) {
    done = state_->script(spelled(all[next], {{"SERIAL_KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"}, {"BYTES", "BLOB"}}));
  }
  if (!done) {
    roll_back();
    return done;
  }
  if (auto committed = commit(); !committed) return committed;
  // So that the version stands in the file itself, where version_of looks, and not only in the write-ahead log.
  return state_->script("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace millrace::store::sqlite
