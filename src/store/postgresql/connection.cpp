#include "store/postgresql/connection.hpp"

#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "store/postgresql/session.hpp"
#include "store/schema.hpp"

namespace millrace::store::postgresql {
namespace {

// https://www.postgresql.org/docs/15/catalog-pg-type.html; src/include/catalog/pg_type.dat
constexpr Oid oid_bytea = 17;
constexpr Oid oid_int8 = 20;
constexpr Oid oid_int2 = 21;
constexpr Oid oid_int4 = 23;
constexpr Oid oid_text = 25;

/// A killed platform's end is noticed by its server a moment later.
constexpr auto lock_patience = std::chrono::seconds(10);

/// Parameters as libpq wants them. Texts and bytes go with their sizes: a NUL in a text is refused, not its end.
class Parameters {
 public:
  explicit Parameters(const std::vector<Value>& values) {
    numbers_.reserve(values.size());
    for (const auto& value : values) add(value);
  }
  int count() const { return static_cast<int>(types_.size()); }
  const Oid* types() const { return types_.data(); }
  const char* const* values() const { return values_.data(); }
  const int* sizes() const { return sizes_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void add(const Value& value) {
    switch (value.type()) {
      case Value::Type::null:
        return push(0, nullptr, 0, 0);
      case Value::Type::integer:
        numbers_.push_back(std::to_string(value.integer()));
        return push(oid_int8, numbers_.back().c_str(), 0, 0);
      case Value::Type::text:
        return push(oid_text, value.text().c_str(), value.text().size(), 1);
      case Value::Type::bytes:
        return push(oid_bytea, value.text().c_str(), value.text().size(), 1);
    }
  }
  void push(Oid type, const char* value, std::size_t size, int format) {
    types_.push_back(type);
    values_.push_back(value);
    sizes_.push_back(static_cast<int>(size));
    formats_.push_back(format);
  }

  std::vector<std::string> numbers_;
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> sizes_;
  std::vector<int> formats_;
};

std::int64_t number_in(const char* text) {
  std::int64_t number = 0;
  std::from_chars(text, text + std::strlen(text), number);
  return number;
}

Value column(const LibpqLibrary& pq, const PGresult* answer, int row, int index) {
  if (pq.PQgetisnull(answer, row, index) != 0) return {};
  const char* text = pq.PQgetvalue(answer, row, index);
  switch (pq.PQftype(answer, index)) {
    case oid_int2:
    case oid_int4:
    case oid_int8:
      return number_in(text);
    case oid_bytea: {
      std::size_t size = 0;
      auto* bytes = pq.PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size);
      Bytes found{std::string(reinterpret_cast<const char*>(bytes), size)};
      pq.PQfreemem(bytes);
      return found;
    }
    default:
      return std::string(text, static_cast<std::size_t>(pq.PQgetlength(answer, row, index)));
  }
}

Rows rows_of(const LibpqLibrary& pq, PGresult* answer) {
  Rows result;
  const int columns = pq.PQnfields(answer);
  for (int row = 0; row < pq.PQntuples(answer); ++row) {
    auto& made = result.rows.emplace_back();
    for (int index = 0; index < columns; ++index) made.push_back(column(pq, answer, row, index));
  }
  if (!std::string_view(pq.PQcmdStatus(answer)).starts_with("SELECT"))
    result.changed = number_in(pq.PQcmdTuples(answer));
  return result;
}

}  // namespace

bool is_url(std::string_view place) {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

PostgresqlConnection::PostgresqlConnection(std::unique_ptr<Session> session) : session_(std::move(session)) {}
PostgresqlConnection::~PostgresqlConnection() = default;

const std::string& PostgresqlConnection::name() const {
  return session_->name();
}

Result<std::unique_ptr<PostgresqlConnection>> PostgresqlConnection::open(const std::string& url, Sharing sharing) {
  const auto library = LibpqLibrary::load();
  if (!library) return library.error();
  auto session = std::make_unique<Session>(**library, url, sharing);
  if (auto checked = session->check(); !checked) return checked.error();
  const auto until = std::chrono::steady_clock::now() + lock_patience;
  auto connected = session->connect();
  while (!connected && connected.error().kind == Error::Kind::conflict && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    connected = session->connect();
  }
  if (!connected) return connected.error();
  return std::unique_ptr<PostgresqlConnection>(new PostgresqlConnection(std::move(session)));
}

Result<Rows> PostgresqlConnection::execute(std::string_view sql, const std::vector<Value>& parameters) {
  if (session_->link() == nullptr) return Error{Error::Kind::unavailable, name() + ": the connection is lost"};
  const Parameters sent(parameters);
  const auto& pq = session_->pq();
  const auto answer = session_->judge(pq.PQexecParams(session_->link(), std::string(sql).c_str(), sent.count(),
                                                      sent.types(), sent.values(), sent.sizes(), sent.formats(), 0));
  if (!answer) return answer.error();
  return rows_of(pq, answer->get());
}

Result<std::int64_t> PostgresqlConnection::now() {
  const auto found = execute("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT", {});
  if (!found) return found.error();
  return found->rows[0][0].integer();
}

bool PostgresqlConnection::lost_race() const {
  return session_->sharing() == Sharing::with_members && session_->lost_race();
}

Status PostgresqlConnection::begin() {
  Status begun = Done{};
  // That a connection was lost since it was last used is only found out by using it.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (auto connected = session_->connect(); !connected) return connected;
    begun = session_->script(session_->sharing() == Sharing::alone ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ");
    if (begun || session_->link() != nullptr) break;
  }
  return begun;
}

Status PostgresqlConnection::commit() {
  if (session_->link() == nullptr) return Error{Error::Kind::unavailable, name() + ": the connection is lost"};
  const auto& pq = session_->pq();
  const auto answer = session_->judge(pq.PQexec(session_->link(), "COMMIT"));
  if (!answer && session_->link() == nullptr) {
    return answer.error().in("whether the change was made is not known (look before you repeat it)");
  }
  if (!answer) return answer.error();
  // What a statement that failed leaves of a transaction is rolled back, also by COMMIT.
  if (std::string_view(pq.PQcmdStatus(answer->get())) == "COMMIT") return Done{};
  return Error{Error::Kind::io, name() + ": rolled back, for a statement had failed"};
}

void PostgresqlConnection::roll_back() {
  if (session_->link() == nullptr) return;  // the server does it
  if (session_->pq().PQtransactionStatus(session_->link()) != PQTRANS_IDLE)
    static_cast<void>(session_->script("ROLLBACK"));
}

Result<std::int64_t> PostgresqlConnection::version() {
  const auto there = execute("SELECT to_regclass('millrace_store')::text", {});
  if (!there) return there.error();
  if (there->rows[0][0].is_null()) return std::int64_t{0};
  const auto found = execute("SELECT version FROM millrace_store", {});
  if (!found) return found.error();
  return found->empty() ? std::int64_t{0} : found->rows[0][0].integer();
}

Status PostgresqlConnection::migrate_within() {
  const auto all = migrations();
  // Others that share the store may be at it as well.
  if (auto mine = session_->script("SELECT pg_advisory_xact_lock(1296649293, hashtext(current_schema()))"); !mine) {
    return mine;
  }
  const auto from = version();
  if (!from) return from.error();
  auto done = session_->script("CREATE TABLE IF NOT EXISTS millrace_store (version BIGINT NOT NULL)");
  for (auto next = static_cast<std::size_t>(*from); done && next < all.size(); ++next) {
    done = session_->script(spelled(all[next], {{"SERIAL_KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
                                                {"BYTES", "BYTEA"},
                                                {" TEXT ", " TEXT COLLATE \"C\" "}}));
  }
  if (done) done = session_->script("DELETE FROM millrace_store");
  if (done) done = session_->script(fmt::format("INSERT INTO millrace_store (version) VALUES ({})", all.size()));
  return done;
}

Status PostgresqlConnection::migrate() {
  // Not as begin() does it: what another one has made while this one waited is to be seen.
  if (auto begun = session_->script("BEGIN"); !begun) return begun;
  if (auto done = migrate_within(); !done) {
    roll_back();
    return done;
  }
  return commit();
}

}  // namespace millrace::store::postgresql
