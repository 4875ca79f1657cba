#pragma once

#include <cstdint>
#include <functional>
#include <map>
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
  std::uint64_t number = 0;  ///< its place: broker::Waiting::number

  boost::json::object to_json(bool with_message) const;
};

/// The dead letters of all flows that the broker holds, loaded or not. On the broker's loop.
class DeadLetters {
 public:
  DeadLetters(broker::Broker& broker, broker::SessionId session) : broker_(broker), session_(session) {}

  /// `retried` is told when some went back to their steps, in the commit.
  using Retried = std::function<void(const std::string& flow, std::size_t count)>;
  void watch(Retried retried) { retried_ = std::move(retried); }

  /// Which ones; what is empty does not matter.
  struct Query {
    std::string flow = {};
    std::string step = {};
    std::string code = {};
    std::string text = {};                           ///< stands in code, reason or details
    std::optional<std::int64_t> failed_before = {};  ///< ms since the Unix epoch; those of unknown time are not meant
    std::optional<std::int64_t> failed_after = {};

    std::string execution = {};

    bool means(const DeadLetter& letter) const;
  };
  /// A place between dead letters, which stays where it is whatever is put back or dropped: behind this one. They are
  /// ordered by flow, those of a flow by age.
  struct Place {
    std::string flow;
    std::uint64_t number = 0;

    std::string to_text() const;
    static std::optional<Place> parse(std::string_view text);
  };
  struct Page {
    std::vector<DeadLetter> letters;
    std::optional<Place> next;  ///< nullopt: there are no more
  };
  /// Those that the query means, from behind `after` on, at most `limit`.
  Page page(const Query& query, const std::optional<Place>& after, std::size_t limit) const;
  /// The last `count` of one flow, oldest first.
  std::vector<DeadLetter> newest(const std::string& flow, std::size_t count) const;
  /// By id or its beginning; of several with the same id (one message that failed at two steps) the first.
  /// Error::not_found; Error::invalid if several begin like this and none is called so.
  Result<DeadLetter> find(std::string_view id_prefix) const;

  using Durable = std::function<void(Status)>;
  struct Retry {
    std::optional<std::int64_t> version = {};  ///< of the flow; nullopt: the newest one that has the step
    std::optional<std::string> body = {};      ///< JSON text, instead of the message's own
  };
  /// Puts the message back on its step's queue as on its first try; it is a dead letter no more, in the same commit.
  /// Error::not_found: the step is not there any more.
  Status retry(const DeadLetter& letter, const Retry& how, Durable durable);
  /// Deletes it.
  Status drop(const DeadLetter& letter, Durable durable);

  enum class Change { retry, drop };
  /// What a change of many came to, or would come to.
  struct Changed {
    std::size_t count = 0;
    std::map<std::string, std::size_t> left;  ///< those that stay, by why: a step that is gone
    std::uint64_t newest = 0;                 ///< the greatest number that was met
  };
  /// What a change would do to those that the query means.
  Changed look(Change change, const Query& query) const;
  /// Changes some of them, up to batch_max, in one commit: from behind `place` on, which goes on with them and is
  /// nullopt when there are no more. Those with numbers beyond `newest` are left alone: they are what became of some
  /// that were put back before. `durable` is not called if nothing was changed.
  Result<Changed> change_some(Change change, const Query& query, std::optional<Place>& place, std::uint64_t newest,
                              Durable durable);
  static constexpr std::size_t batch_max = 500;

 private:
  /// Visits those of one flow, or of all, from a place on, until `visit` says false.
  void each(std::string_view flow, const std::optional<Place>& after,
            const std::function<bool(DeadLetter)>& visit) const;
  std::optional<std::int64_t> newest_version(const std::string& flow, const std::string& step) const;
  Result<std::vector<broker::Delivery>> take(const std::string& flow, const std::vector<std::uint64_t>& numbers);
  void put_back(const std::vector<broker::Delivery>& taken);
  Status commit(broker::Batch batch, Durable durable);

  broker::Broker& broker_;
  broker::SessionId session_;
  Retried retried_;
};

}  // namespace millrace::api
