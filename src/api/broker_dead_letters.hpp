#pragma once

#include <string>
#include <vector>

#include "api/dead_letters.hpp"
#include "broker/broker.hpp"

namespace millrace::api {

/// The dead letters that lie on the queues of a broker of our own. Looking is answered within the call; a change is one
/// commit of the broker, with what goes back to its step and what leaves its queue.
class BrokerDeadLetters final : public DeadLetters {
 public:
  BrokerDeadLetters(broker::Broker& broker, broker::SessionId session) : broker_(broker), session_(session) {}

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
  /// Visits those of one flow, or of all, from a place on, until `visit` says false.
  void each(std::string_view flow, const std::optional<Place>& after,
            const std::function<bool(DeadLetter)>& visit) const;
  /// The next batch of a change, of one flow.
  struct Chosen {
    StepVersions versions;
    std::vector<std::uint64_t> numbers = {};
    std::string flow = {};
    Some result = {};
  };
  Chosen choose(Change change, const Query& query, const std::optional<Place>& after, std::uint64_t newest) const;
  Result<std::vector<broker::Delivery>> take(const std::string& flow, const std::vector<std::uint64_t>& numbers);
  Result<std::vector<broker::Delivery>> take_one(const DeadLetter& letter);
  void put_back(const std::vector<broker::Delivery>& taken);
  /// What cannot be committed goes back to its queue, and its error to `durable`.
  bool commit(broker::Batch batch, const std::vector<broker::Delivery>& taken, const Durable& durable);

  broker::Broker& broker_;
  broker::SessionId session_;
};

}  // namespace millrace::api
