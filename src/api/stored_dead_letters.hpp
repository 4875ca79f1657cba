#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/dead_letters.hpp"
#include "broker/queues.hpp"
#include "io/loop.hpp"
#include "store/dead_letters.hpp"
#include "store/store.hpp"

namespace millrace::api {

/// The dead letters that were taken off the queues of a broker which is not our own (RabbitMQ), in the store, which
/// several platforms may share.
///
/// Guarantees: one failure is one dead letter, however often it is taken in. One that is retried is claimed in the
/// store, published, and when the broker has it on disk deleted: a crash in between leaves it to be retried once more,
/// after claim_time_max, with the same ids; of two platforms that retry it at once, one does. Counts, and what
/// `watch_new` tells, are `look_interval` old at most, whoever has changed them. Never more than `batch_bytes_max` of
/// messages are in memory at once, or one message. Thread: the loop's. Lifetime: what it is given outlives it.
class StoredDeadLetters final : public DeadLetters {
 public:
  struct Parts {
    io::Loop& loop;
    broker::Queues& broker;  ///< which retries are published to
    broker::SessionId session;
    store::Store& store;
    std::chrono::milliseconds look_interval{1'000};  ///< how old counts may be
  };
  static constexpr std::chrono::seconds claim_time_max{30};
  static constexpr std::uint64_t batch_bytes_max = 16u << 20;

  explicit StoredDeadLetters(Parts parts);
  ~StoredDeadLetters() override;

  /// Stores what has come to a flow's queue of dead letters. `done` is told once it is on stable storage: only then may
  /// the queue forget it. A store that cannot be reached is tried again until it can; another error means that this one
  /// cannot be stored.
  void take_in(const std::string& flow, broker::Message message, Durable done);

  /// `came` is told of flows that have got dead letters since the last look.
  void watch_new(std::function<void(const std::string& flow)> came) { came_ = std::move(came); }

  void page(const Query& query, const std::optional<Place>& after, std::size_t limit, Told<Page> told) override;
  void newest(const std::string& flow, std::size_t count, Told<std::vector<DeadLetter>> told) override;
  void find(const std::string& id_prefix, Told<DeadLetter> told) override;
  Count count(const std::string& flow) const override;
  void retry(const DeadLetter& letter, const Retry& how, Durable durable) override;
  void drop(const DeadLetter& letter, Durable durable) override;
  void look(Change change, const Query& query, Told<Changed> told) override;
  void change_some(Change change, const Query& query, const std::optional<Place>& after, std::uint64_t newest,
                   Told<Some> told) override;

 private:
  using Numbers = std::vector<std::int64_t>;
  using Records = std::vector<store::DeadLetterRecord>;
  struct Arrival {
    store::DeadLetterRecord record;
    Durable done;
  };
  /// What a change will do, and what it has found so far.
  struct Chosen {
    StepVersions versions;
    Numbers numbers = {};
    Some result = {};
  };

  void store_arrivals();
  void stored(std::vector<Arrival> arrivals, const Status& status);
  void refresh_soon(std::chrono::nanoseconds delay);
  void refresh();
  void take_note(const std::vector<store::DeadLetters::Count>& counts);

  Chosen choose(Change change, const Records& found, std::uint64_t newest) const;
  void retry_some(Chosen chosen, Told<Some> told);
  void drop_some(Chosen chosen, Told<Some> told);
  /// Publishes what was claimed as `numbers`, which ascend; `done` is told when the store has it no more.
  void publish(std::vector<broker::MessagePtr> messages, const Numbers& numbers, Durable done);
  void remove(const Numbers& numbers, Durable done);
  void release(const Numbers& numbers);
  std::int64_t now() const { return parts_.loop.wall_now().time_since_epoch().count(); }

  /// `work` on the store's DeadLetters, `then` on the loop if this is still there.
  template <class T>
  void ask(std::function<Result<T>(store::DeadLetters)> work, std::function<void(Result<T>)> then);

  Parts parts_;
  std::function<void(const std::string&)> came_;
  std::vector<Arrival> arrivals_;
  bool storing_ = false;
  std::size_t singly_ = 0;  ///< of so many arrivals one cannot be stored: each is for itself, until it is found
  bool lost_ = false;       ///< the store could not be reached, and the log says so
  std::map<std::string, Count> counts_;
  bool counted_ = false;  ///< once at least
  io::TimerId refresh_timer_ = 0;
  io::TimerId retry_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::api
