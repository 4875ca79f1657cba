#pragma once

#include <memory>
#include <string>

#include "store/database.hpp"
#include "store/postgresql/connection.hpp"
#include "store/postgresql/libpq_library.hpp"

namespace millrace::store::postgresql {

/// The connection itself: made, lost, made anew. Calls of libpq are here and in connection.cpp only.
class PostgresqlConnection::Session {
 public:
  struct Clear {
    const LibpqLibrary* pq;
    void operator()(PGresult* result) const { pq->PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;

  Session(const LibpqLibrary& pq, std::string url, Sharing sharing);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// If the URL can be one.
  Status check() const;
  /// There is a connection, and the schema is locked; makes one if the last one is lost.
  Status connect();
  /// Statements without parameters. Its status is as the answer's.
  Status script(const std::string& sql);
  /// The answer, or what is wrong with it; then a lost connection is given up.
  Result<Answer> judge(PGresult* result);

  PGconn* link() const { return link_; }
  const LibpqLibrary& pq() const { return pq_; }
  const std::string& name() const { return name_; }
  Sharing sharing() const { return sharing_; }
  bool lost_race() const { return lost_race_; }

 private:
  /// Settings of the session, and the lock.
  Status prepare();
  Status lock();
  void give_up(std::string_view why);
  Error failure(Error::Kind kind, std::string_view said) const;

  const LibpqLibrary& pq_;
  const std::string url_;
  const Sharing sharing_;
  std::string name_ = "PostgreSQL";
  PGconn* link_ = nullptr;
  bool lost_ = false;       ///< it was there once
  bool lost_race_ = false;  ///< the last failure was another transaction's doing
};

}  // namespace millrace::store::postgresql
