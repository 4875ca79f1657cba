#include "api/broker_dead_letters.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "flow/plan.hpp"

namespace millrace::api {
namespace {

namespace names = flow::names;

constexpr std::string_view queue_suffix = ".dead-letters";

}  // namespace

void BrokerDeadLetters::each(std::string_view flow, const std::optional<Place>& after,
                             const std::function<bool(DeadLetter)>& visit) const {
  std::vector<std::string> flows;
  if (!flow.empty()) {
    flows.emplace_back(flow);
  } else {
    for (const auto& queue : broker_.queues()) {
      if (!queue.name.ends_with(queue_suffix) || queue.ready == 0) continue;
      flows.push_back(queue.name.substr(0, queue.name.size() - queue_suffix.size()));
    }
    std::ranges::sort(flows);
  }
  bool more = true;
  for (const auto& name : flows) {
    if (!more) return;
    if (after && name < after->flow) continue;
    const auto from = after && name == after->flow ? after->number : 0;
    static_cast<void>(broker_.browse(names::dead_letter_queue(name), from, [&](const broker::Waiting& waiting) {
      auto letter = read_dead_letter(name, *waiting.message);
      letter.number = waiting.number;
      more = visit(std::move(letter));
      return more;
    }));
  }
}

void BrokerDeadLetters::page(const Query& query, const std::optional<Place>& after, std::size_t limit,
                             Told<Page> told) {
  Page page;
  if (limit == 0) return told(std::move(page));
  each(query.flow, after, [&](DeadLetter letter) {
    if (!letter.is_meant_by(query)) return true;
    if (page.letters.size() == limit) {
      page.next = Place{page.letters.back().flow, page.letters.back().number};
      return false;
    }
    page.letters.push_back(std::move(letter));
    return true;
  });
  told(std::move(page));
}

void BrokerDeadLetters::newest(const std::string& flow, std::size_t count, Told<std::vector<DeadLetter>> told) {
  std::vector<DeadLetter> letters;
  const auto name = names::dead_letter_queue(flow);
  const auto waiting = this->count(flow).waiting;
  if (waiting > 0) {
    const auto messages = broker_.peek(name, waiting > count ? waiting - count : 0, count);
    if (!messages) return told(Error{Error::Kind::unavailable, messages.error().text});
    for (const auto& message : *messages) letters.push_back(read_dead_letter(flow, *message));
  }
  told(std::move(letters));
}

void BrokerDeadLetters::find(const std::string& id_prefix, Told<DeadLetter> told) {
  std::optional<DeadLetter> found;
  bool several = false;
  each({}, std::nullopt, [&](DeadLetter letter) {
    const bool is_it = letter.id == id_prefix;
    if (!is_it && !letter.id.starts_with(id_prefix)) return true;
    several = !is_it && (several || (found && found->id != letter.id));
    if (is_it || !found) found = std::move(letter);
    return !is_it;
  });
  if (!found) return told(Error{Error::Kind::not_found, fmt::format("there is no dead letter {}", id_prefix)});
  if (several) return told(Error{Error::Kind::invalid, fmt::format("several dead letters begin with {}", id_prefix)});
  told(std::move(*found));
}

DeadLetters::Count BrokerDeadLetters::count(const std::string& flow) const {
  const auto queue = broker_.queue(names::dead_letter_queue(flow));
  return queue ? Count{queue->ready, queue->published_total} : Count{};
}

void BrokerDeadLetters::retry(const DeadLetter& letter, const Retry& how, Durable durable) {
  const auto taken = take_one(letter);
  if (!taken) return durable(taken.error());
  auto message = retried_message(broker_, *taken->front().message, letter, how);
  if (!message) {
    put_back(*taken);
    return durable(message.error());
  }
  const bool done = commit({{std::move(*message)}, {{taken->front().id, broker::Settle::ack}}}, *taken, durable);
  if (done) tell_retried(letter.flow, 1);
}

void BrokerDeadLetters::drop(const DeadLetter& letter, Durable durable) {
  const auto taken = take_one(letter);
  if (!taken) return durable(taken.error());
  commit({{}, {{taken->front().id, broker::Settle::ack}}}, *taken, durable);
}

void BrokerDeadLetters::look(Change change, const Query& query, Told<Changed> told) {
  Changed found;
  StepVersions versions(broker_);
  each(query.flow, std::nullopt, [&](const DeadLetter& letter) {
    if (!letter.is_meant_by(query)) return true;
    found.newest = std::max(found.newest, letter.number);
    const bool stays = change == Change::retry && !versions.newest(letter);
    ++(stays ? found.left[letter.no_step()] : found.count);
    return true;
  });
  told(std::move(found));
}

BrokerDeadLetters::Chosen BrokerDeadLetters::choose(Change change, const Query& query,
                                                    const std::optional<Place>& after, std::uint64_t newest) const {
  Chosen chosen{StepVersions(broker_)};
  bool more = false;
  each(query.flow, after, [&](const DeadLetter& letter) {
    more = chosen.numbers.size() == batch_max || (!chosen.numbers.empty() && chosen.flow != letter.flow);
    if (more) return false;
    chosen.result.next = Place{letter.flow, letter.number};
    if (!letter.is_meant_by(query) || letter.number > newest) return true;
    if (change == Change::retry && !chosen.versions.newest(letter)) {
      ++chosen.result.changed.left[letter.no_step()];
      return true;
    }
    chosen.flow = letter.flow;
    chosen.numbers.push_back(letter.number);
    return true;
  });
  if (!more) chosen.result.next.reset();
  return chosen;
}

void BrokerDeadLetters::change_some(Change change, const Query& query, const std::optional<Place>& after,
                                    std::uint64_t newest, Told<Some> told) {
  auto chosen = choose(change, query, after, newest);
  if (chosen.numbers.empty()) return told(std::move(chosen.result));
  const auto taken = take(chosen.flow, chosen.numbers);
  if (!taken) return told(taken.error());
  broker::Batch batch;
  for (const auto& delivery : *taken) {
    batch.settlements.push_back({delivery.id, broker::Settle::ack});
    if (change == Change::drop) continue;
    const auto letter = read_dead_letter(chosen.flow, *delivery.message);
    batch.publishes.push_back(fresh_message(*delivery.message, letter, *chosen.versions.newest(letter)));
  }
  chosen.result.changed.count = taken->size();
  const bool done =
      commit(std::move(batch), *taken, [told = std::move(told), result = chosen.result](const Status& stored) {
        told(stored ? Result<Some>(result) : stored.error());
      });
  if (done && change == Change::retry) tell_retried(chosen.flow, taken->size());
}

Result<std::vector<broker::Delivery>> BrokerDeadLetters::take(const std::string& flow,
                                                              const std::vector<std::uint64_t>& numbers) {
  auto taken = broker_.take(session_, names::dead_letter_queue(flow), numbers);
  if (!taken) return Error{Error::Kind::unavailable, taken.error().text};
  return std::move(*taken);
}

Result<std::vector<broker::Delivery>> BrokerDeadLetters::take_one(const DeadLetter& letter) {
  auto taken = take(letter.flow, {letter.number});
  if (taken && taken->empty()) return gone(letter);
  return taken;
}

void BrokerDeadLetters::put_back(const std::vector<broker::Delivery>& taken) {
  broker::Batch batch;
  for (const auto& delivery : taken) batch.settlements.push_back({delivery.id, broker::Settle::requeue});
  // Refused only when storage has failed: then they are back at the next start.
  static_cast<void>(broker_.commit(session_, std::move(batch), nullptr));
}

bool BrokerDeadLetters::commit(broker::Batch batch, const std::vector<broker::Delivery>& taken,
                               const Durable& durable) {
  const auto answer = broker_.commit(session_, std::move(batch), durable);
  if (answer) return true;
  put_back(taken);
  durable(Error{Error::Kind::io, answer.error().text});
  return false;
}

}  // namespace millrace::api
