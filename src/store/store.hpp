#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "core/result.hpp"
#include "io/loop.hpp"
#include "store/database.hpp"

namespace millrace::store {

/// What the platform keeps beside its messages: flows and their versions, tokens, the audit log, answers to repeated
/// requests. What there is to ask stands in the classes over a Database: Flows, Tokens, Audit, Answers.
///
/// Guarantees: each `work` is one transaction: all of it is on stable storage before its result is told, or none of it
/// ever was (also on kill -9). Works run one after another in the order given, off the loop. Where others share the
/// store (Sharing::with_members), a work that changes what another's has changed meanwhile is done again, on what there
/// is then: so it may run more than once. Thread: run() on the loop; `work` elsewhere, so it touches nothing but the
/// database and what it owns. Lifetime: the offload outlives it.
class Store {
 public:
  /// Opens the SQLite file, made if it is not there, or the schema of a PostgreSQL server where `place` is its URL, and
  /// brings its tables up to date. Error::unsupported: they were written by a newer Millrace, and are untouched;
  /// Error::damaged: it is no store of Millrace. With PostgreSQL (postgresql::PostgresqlConnection) Error::unavailable:
  /// the server cannot be reached now; conflict: another platform uses the schema. A store that is open and loses its
  /// server gives Error::unavailable until it is back. `sharing` is for PostgreSQL; a file is always one platform's.
  static Result<std::unique_ptr<Store>> open(io::Offload& offload, const std::string& place,
                                             Sharing sharing = Sharing::alone);
  ~Store();

  /// `work` elsewhere, then `then` on the loop with its result. A failed commit makes an Error of it.
  template <class T>
  void run(std::function<Result<T>(Database&)> work, std::function<void(Result<T>)> then) {
    auto result = std::make_shared<Result<T>>(Error{Error::Kind::unavailable, "the store did not answer"});
    offload_.run([this, work = std::move(work), result] { *result = now<T>(work); },
                 [then = std::move(then), result] { then(std::move(*result)); });
  }

  /// The same here and now. For the start, before anything runs, and for tests.
  template <class T>
  Result<T> now(const std::function<Result<T>(Database&)>& work) {
    Result<T> result = Error{Error::Kind::unavailable, "the store did not answer"};
    const auto done = in_transaction([&](Database& database) -> Status {
      result = work(database);
      return result ? Status(Done{}) : Status(result.error());
    });
    if (!done && result) return done.error();
    return result;
  }

 private:
  Store(io::Offload& offload, std::unique_ptr<Connection> connection);
  Status in_transaction(const std::function<Status(Database&)>& work);
  Status try_transaction(const std::function<Status(Database&)>& work);

  io::Offload& offload_;
  std::unique_ptr<Connection> connection_;
  std::mutex turn_;  ///< to use the connection: one transaction at a time
};

}  // namespace millrace::store
