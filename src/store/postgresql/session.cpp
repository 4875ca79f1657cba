#include "store/postgresql/session.hpp"

#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::store::postgresql {
namespace {

/// What a connection is made with, if the URL does not say otherwise. A server that is gone without a word is found out
/// within 20 s: libpq's part, and the session's settings below for the server's, which holds our lock until then.
constexpr std::array defaults = {
    std::pair{"fallback_application_name", "millrace"},
    std::pair{"connect_timeout", "5"},
    std::pair{"keepalives_idle", "10"},
    std::pair{"keepalives_interval", "5"},
    std::pair{"keepalives_count", "2"},
    std::pair{"tcp_user_timeout", "20000"},
};
constexpr const char* settings =
    "SET client_encoding = 'UTF8'; SET synchronous_commit = on; SET bytea_output = 'hex';"
    "SET client_min_messages = warning; SET statement_timeout = '30s'; SET lock_timeout = '10s';"
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2";
/// The first number is ours ("MILL"), the second one the schema's.
constexpr const char* take_lock =
    "SELECT current_schema(), pg_try_advisory_lock(1296649292, hashtext(current_schema()))";
constexpr const char* take_lock_shared =
    "SELECT current_schema(), pg_try_advisory_lock_shared(1296649292, hashtext(current_schema()))";
/// A member that is stopped in the midst of a transaction does not hold up the others for long.
constexpr const char* settings_with_members = "SET idle_in_transaction_session_timeout = '4s'";

/// https://www.postgresql.org/docs/15/errcodes-appendix.html, by code and by class.
Error::Kind kind_of(std::string_view state) {
  if (state == "53100") return Error::Kind::no_space;
  const auto group = state.substr(0, 2);
  if (state == "42501") return Error::Kind::permission;
  if (group == "23" || state == "42P07") return Error::Kind::conflict;
  if (group == "08" || group == "53" || group == "57") return Error::Kind::unavailable;
  if (group == "28" || group == "3D") return Error::Kind::permission;
  if (group == "22") return Error::Kind::invalid;
  return Error::Kind::io;
}

std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  constexpr std::string_view prefix = "ERROR:  ";
  return std::string(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

/// libpq does not tell the server's code for a connection that it refuses; what is not about the login may pass.
Error::Kind kind_of_refusal(std::string_view said) {
  if (said.starts_with("invalid ")) return Error::Kind::invalid;  // a parameter of the URL
  for (const auto* word : {"authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry",
                           "permission denied", "is not permitted"}) {
    if (said.find(word) != std::string_view::npos) return Error::Kind::permission;
  }
  return Error::Kind::unavailable;
}

}  // namespace

PostgresqlConnection::Session::Session(const LibpqLibrary& pq, std::string url, Sharing sharing)
    : pq_(pq), url_(std::move(url)), sharing_(sharing) {}

PostgresqlConnection::Session::~Session() {
  if (link_ != nullptr) pq_.PQfinish(link_);
}

Error PostgresqlConnection::Session::failure(Error::Kind kind, std::string_view said) const {
  return {kind, fmt::format("{}: {}", name_, first_line(said))};
}

Status PostgresqlConnection::Session::check() const {
  char* said = nullptr;
  auto* parsed = pq_.PQconninfoParse(url_.c_str(), &said);
  if (parsed != nullptr) {
    pq_.PQconninfoFree(parsed);
    return Done{};
  }
  const auto fault = first_line(said == nullptr ? "out of memory" : said);
  if (said != nullptr) pq_.PQfreemem(said);
  // It may repeat the URL, and the password with it.
  const bool tells = fault.find(url_) != std::string::npos;
  return Error{
      Error::Kind::invalid,
      fmt::format("the URL of the store cannot be read{} (write postgresql://USER:PASSWORD@HOST:PORT/DATABASE)",
                  tells ? "" : ": " + fault)};
}

Status PostgresqlConnection::Session::connect() {
  if (link_ != nullptr) return Done{};
  std::array<const char*, defaults.size() + 2> names{};
  std::array<const char*, defaults.size() + 2> values{};
  for (std::size_t i = 0; i < defaults.size(); ++i) std::tie(names[i], values[i]) = defaults[i];
  names[defaults.size()] = "dbname";  // the URL; what it says goes before what stands in front of it
  values[defaults.size()] = url_.c_str();
  link_ = pq_.PQconnectdbParams(names.data(), values.data(), 1);
  if (link_ == nullptr) return Error{Error::Kind::io, "no memory for a connection to PostgreSQL"};
  const auto text = [](const char* one) { return std::string(one == nullptr ? "" : one); };
  name_ =
      fmt::format("PostgreSQL at {}:{}/{}", text(pq_.PQhost(link_)), text(pq_.PQport(link_)), text(pq_.PQdb(link_)));
  Status done = Done{};
  if (pq_.PQstatus(link_) != CONNECTION_OK) {
    const std::string said = pq_.PQerrorMessage(link_);
    done = failure(kind_of_refusal(said), said);
  } else {
    done = prepare();
  }
  if (!done) {
    if (link_ != nullptr) pq_.PQfinish(link_);
    link_ = nullptr;
    return done;
  }
  if (std::exchange(lost_, false)) log::info("the store is back", {{"store", name_}});
  return Done{};
}

Status PostgresqlConnection::Session::prepare() {
  pq_.PQsetNoticeProcessor(
      link_, [](void*, const char*) {}, nullptr);
  if (auto set = script(settings); !set) return set;
  if (sharing_ == Sharing::with_members) {
    if (auto set = script(settings_with_members); !set) return set;
  }
  return lock();
}

Status PostgresqlConnection::Session::lock() {
  const auto answer = judge(pq_.PQexec(link_, sharing_ == Sharing::alone ? take_lock : take_lock_shared));
  if (!answer) return answer.error();
  if (pq_.PQgetisnull(answer->get(), 0, 0) != 0) {
    return failure(Error::Kind::permission,
                   "there is no schema to make tables in (create it, or name another one in "
                   "the URL: ?options=-csearch_path%3DNAME)");
  }
  if (std::string_view(pq_.PQgetvalue(answer->get(), 0, 1)) == "t") return Done{};
  // After a loss the server may take a moment to notice that nobody is there any more.
  return failure(lost_ ? Error::Kind::unavailable : Error::Kind::conflict,
                 sharing_ == Sharing::alone
                     ? "another platform uses this store (stop it, or give this one another database)"
                     : "another platform uses this store and does not share it (stop it, or start both with --amqp)");
}

void PostgresqlConnection::Session::give_up(std::string_view why) {
  if (!std::exchange(lost_, true)) {
    log::warning("the store is lost",
                 {{"store", name_}, {"reason", first_line(why)}, {"effect", "tried again when next asked"}});
  }
  pq_.PQfinish(link_);
  link_ = nullptr;
}

Status PostgresqlConnection::Session::script(const std::string& sql) {
  const auto answer = judge(pq_.PQexec(link_, sql.c_str()));
  return answer ? Status(Done{}) : Status(answer.error());
}

Result<PostgresqlConnection::Session::Answer> PostgresqlConnection::Session::judge(PGresult* result) {
  Answer answer(result, Clear{&pq_});
  const auto status = pq_.PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
  const std::string said = pq_.PQerrorMessage(link_);
  const auto* state = result == nullptr ? nullptr : pq_.PQresultErrorField(result, PG_DIAG_SQLSTATE);
  // serialization_failure, deadlock_detected, unique_violation: by what the transaction could not see yet.
  const std::string_view code = state == nullptr ? "" : state;
  lost_race_ = code == "40001" || code == "40P01" || code == "23505";
  if (pq_.PQstatus(link_) != CONNECTION_OK) {
    const auto gone = failure(Error::Kind::unavailable, said);
    give_up(said);
    return gone;
  }
  return failure(state == nullptr ? Error::Kind::io : kind_of(state), said);
}

}  // namespace millrace::store::postgresql
