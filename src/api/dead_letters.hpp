#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/dead_letter.hpp"
#include "broker/queues.hpp"
#include "core/result.hpp"

namespace millrace::api {

/// The dead letters of all flows, loaded or not: on the broker's queues (BrokerDeadLetters), or in the store
/// (StoredDeadLetters). Answers are told once each, on the loop: within the call or later. Thread: the loop's.
/// Lifetime: answers that are due when it ends are not told.
class DeadLetters {
 public:
  virtual ~DeadLetters() = default;
  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  template <class T>
  using Told = std::function<void(Result<T>)>;
  /// Done: it is on stable storage.
  using Durable = std::function<void(Status)>;

  /// `retried` is told when some go back to their steps.
  using Retried = std::function<void(const std::string& flow, std::size_t count)>;
  void watch(Retried retried) { retried_ = std::move(retried); }

  using Query = store::DeadLetterQuery;
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
  /// Those that the query means, from behind `after` on, at most `limit`. Envelopes may be left out.
  virtual void page(const Query& query, const std::optional<Place>& after, std::size_t limit, Told<Page> told) = 0;
  /// The last `count` of one flow, oldest first. Envelopes may be left out.
  virtual void newest(const std::string& flow, std::size_t count, Told<std::vector<DeadLetter>> told) = 0;
  /// By id or its beginning; of several with the same id (one message that failed at two steps) the first.
  /// Error::not_found; Error::invalid if several begin like this and none is called so.
  virtual void find(const std::string& id_prefix, Told<DeadLetter> told) = 0;

  struct Count {
    std::uint64_t waiting = 0;
    std::uint64_t total = 0;  ///< that the flow has had
  };
  /// As last known.
  virtual Count count(const std::string& flow) const = 0;

  struct Retry {
    std::optional<std::int64_t> version = {};  ///< of the flow; nullopt: the newest one that has the step
    std::optional<std::string> body = {};      ///< JSON text, instead of the message's own
  };
  /// Puts the message back on its step's queue as on its first try; it is a dead letter no more.
  /// Error::not_found: the letter or its step is not there any more.
  virtual void retry(const DeadLetter& letter, const Retry& how, Durable durable) = 0;
  /// Deletes it. Error::not_found.
  virtual void drop(const DeadLetter& letter, Durable durable) = 0;

  enum class Change { retry, drop };
  /// What a change of many came to, or would come to.
  struct Changed {
    std::size_t count = 0;
    std::map<std::string, std::size_t> left = {};  ///< those that stay, by why: a step that is gone
    std::uint64_t newest = 0;                      ///< the greatest number that was met
  };
  /// What a change would do to those that the query means.
  virtual void look(Change change, const Query& query, Told<Changed> told) = 0;
  struct Some {
    Changed changed;
    std::optional<Place> next;  ///< where to go on; nullopt: there are no more
  };
  /// Changes some of them, up to batch_max, from behind `after` on. Those with numbers beyond `newest` are left alone:
  /// they are what became of some that were put back before.
  virtual void change_some(Change change, const Query& query, const std::optional<Place>& after, std::uint64_t newest,
                           Told<Some> told) = 0;
  static constexpr std::size_t batch_max = 500;

 protected:
  DeadLetters() = default;
  /// The newest version of the flow in which the step has a queue.
  static std::optional<std::int64_t> newest_version(const broker::Queues& broker, const std::string& flow,
                                                    const std::string& step);
  /// newest_version(), looked up once for each step.
  class StepVersions {
   public:
    explicit StepVersions(const broker::Queues& broker) : broker_(broker) {}
    std::optional<std::int64_t> newest(const store::DeadLetterFacts& letter);

   private:
    const broker::Queues& broker_;
    std::map<std::pair<std::string, std::string>, std::optional<std::int64_t>> known_;  ///< by flow and step
  };
  /// What a retry of one publishes. Error::not_found: its step is gone; Error::invalid: it cannot get another body.
  static Result<broker::MessagePtr> retried_message(const broker::Queues& broker, const broker::Message& dead,
                                                    const DeadLetter& letter, const Retry& how);
  static Error gone(const DeadLetter& letter);
  void tell_retried(const std::string& flow, std::size_t count) const {
    if (retried_ && count > 0) retried_(flow, count);
  }

 private:
  Retried retried_;
};

}  // namespace millrace::api
