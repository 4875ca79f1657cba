#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "broker/broker.hpp"
#include "core/result.hpp"

namespace millrace::api {

/// A message that could not be processed, with what is known about why (ARCHITECTURE.md, messages on the wire).
struct DeadLetter {
  std::string flow;
  std::int64_t version = 0;  ///< of the flow; 0: unknown
  std::string step;          ///< where it failed
  std::string id;
  std::string execution;
  std::string code;
  std::string reason;
  std::string details;  ///< JSON text, or empty
  std::int64_t attempts = 0;
  std::int64_t failed_at = 0;  ///< ms since the Unix epoch; 0: unknown (a worker was lost over it)
  std::string envelope;

  boost::json::object to_json(bool with_message) const;
};

/// The dead letters of all flows that the broker holds, loaded or not. On the broker's loop.
class DeadLetters {
 public:
  DeadLetters(broker::Broker& broker, broker::SessionId session) : broker_(broker), session_(session) {}

  /// Which ones; what is empty does not matter.
  struct Query {
    std::string flow;
    std::string step;
    std::string code;
  };
  /// Of those that the query means, oldest first, `limit` from the `offset`th on.
  std::vector<DeadLetter> page(const Query& query, std::size_t offset, std::size_t limit) const;
  /// The last `count` of one flow, oldest first.
  std::vector<DeadLetter> newest(const std::string& flow, std::size_t count) const;
  /// By id or its beginning; of several with the same id (one message that failed at two steps) the first.
  /// Error::not_found; Error::invalid if several begin like this and none is called so.
  Result<DeadLetter> find(std::string_view id_prefix) const;

  using Durable = std::function<void(Status)>;
  /// Puts the message back on its step's queue as on its first try; it is a dead letter no more, in the same commit. On
  /// the version of the flow that is given, or else on the newest one that has the step. Error::not_found: there is
  /// none.
  Status retry(const DeadLetter& letter, std::optional<std::int64_t> version, Durable durable);
  /// Deletes it.
  Status drop(const DeadLetter& letter, Durable durable);

 private:
  /// Visits those of one flow, or of all, oldest first, until `visit` says false.
  void each(std::string_view flow, const std::function<bool(DeadLetter)>& visit) const;
  std::optional<std::int64_t> newest_version(const DeadLetter& letter) const;
  Result<broker::Delivery> take(const DeadLetter& letter);
  void put_back(const broker::Delivery& taken);
  Status commit(broker::Batch batch, Durable durable);

  broker::Broker& broker_;
  broker::SessionId session_;
};

}  // namespace millrace::api
