#include "api/stored_dead_letters.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "amqp/properties.hpp"
#include "component/utf8.hpp"
#include "core/id.hpp"
#include "core/log.hpp"

namespace millrace::api {
namespace {

namespace utf8 = component::utf8;

constexpr std::chrono::seconds retry_interval{1};
constexpr std::size_t arrivals_max = 200;  // of one transaction
constexpr std::size_t id_size_max = 255;   // bytes: ids stand in an index
constexpr std::size_t text_size_max = 100'000;

/// What a database takes for a text.
std::string clean(std::string_view text, std::size_t size_max = text_size_max) {
  std::string cleaned;
  while (!text.empty() && cleaned.size() < size_max) {
    const auto length = text.front() == '\0' ? 0 : utf8::sequence_length(text);
    length == 0 ? utf8::append(cleaned, 0xfffd) : static_cast<void>(cleaned.append(text.substr(0, length)));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return std::string(utf8::head(cleaned, size_max));
}

std::string clean_id(const std::string& id) {
  return id.size() <= id_size_max ? clean(id, id_size_max) : derived_id({id});
}

/// The queue of dead letters counts its own deliveries, which are nothing of the message's.
std::string without_delivery_count(const std::string& properties) {
  auto decoded = amqp::decode_properties(properties);
  if (!decoded || !decoded->headers) return properties;
  decoded->headers->erase("x-delivery-count");
  return amqp::encode_properties(*decoded);
}

store::DeadLetterRecord record_of(const std::string& flow, broker::Message message) {
  message.properties = without_delivery_count(message.properties);
  store::DeadLetterRecord record;
  static_cast<store::DeadLetterFacts&>(record) = read_dead_letter(flow, message);
  for (auto* text : {&record.code, &record.reason, &record.details}) *text = clean(*text);
  for (auto* id : {&record.id, &record.execution, &record.step}) *id = clean_id(*id);
  record.exchange = clean(message.exchange);
  record.routing_key = clean(message.routing_key);
  record.properties = std::move(message.properties);
  record.body = std::move(message.body);
  return record;
}

DeadLetter letter_of(const store::DeadLetterRecord& record) {
  DeadLetter letter;
  static_cast<store::DeadLetterFacts&>(letter) = record;
  letter.envelope = record.body;
  letter.number = static_cast<std::uint64_t>(record.number);
  return letter;
}

broker::Message message_of(const store::DeadLetterRecord& record) {
  return {record.exchange, record.routing_key, record.properties, record.body};
}

std::vector<DeadLetter> letters_of(const std::vector<store::DeadLetterRecord>& records) {
  std::vector<DeadLetter> letters;
  std::ranges::transform(records, std::back_inserter(letters), letter_of);
  return letters;
}

}  // namespace

StoredDeadLetters::StoredDeadLetters(Parts parts) : parts_(parts) {
  refresh_soon(std::chrono::nanoseconds(0));
}

StoredDeadLetters::~StoredDeadLetters() {
  *alive_ = false;
  parts_.loop.cancel(refresh_timer_);
  parts_.loop.cancel(retry_timer_);
}

template <class T>
void StoredDeadLetters::ask(std::function<Result<T>(store::DeadLetters)> work, std::function<void(Result<T>)> then) {
  parts_.store.run<T>(
      [work = std::move(work)](store::Database& database) { return work(store::DeadLetters(database)); },
      [alive = alive_, then = std::move(then)](Result<T> result) {
        if (*alive) then(std::move(result));
      });
}

void StoredDeadLetters::take_in(const std::string& flow, broker::Message message, Durable done) {
  arrivals_.push_back({record_of(flow, std::move(message)), std::move(done)});
  store_arrivals();
}

/// All that has gathered meanwhile goes in one transaction.
void StoredDeadLetters::store_arrivals() {
  if (storing_ || retry_timer_ != 0 || arrivals_.empty()) return;
  const auto count = std::min(singly_ > 0 ? 1 : arrivals_max, arrivals_.size());
  const auto end = arrivals_.begin() + static_cast<std::ptrdiff_t>(count);
  auto some =
      std::make_shared<std::vector<Arrival>>(std::make_move_iterator(arrivals_.begin()), std::make_move_iterator(end));
  arrivals_.erase(arrivals_.begin(), end);
  storing_ = true;
  ask<Done>(
      [some](store::DeadLetters letters) -> Result<Done> {
        for (const auto& arrival : *some) {
          if (auto added = letters.add(arrival.record); !added) return added.error();
        }
        return Done{};
      },
      [this, some](const Status& status) { stored(std::move(*some), status); });
}

void StoredDeadLetters::stored(std::vector<Arrival> arrivals, const Status& status) {
  storing_ = false;
  const bool unreachable = !status && status.error().kind == Error::Kind::unavailable;
  if (unreachable || (!status && arrivals.size() > 1)) {
    if (!unreachable) singly_ = arrivals.size();
    arrivals_.insert(arrivals_.begin(), std::make_move_iterator(arrivals.begin()),
                     std::make_move_iterator(arrivals.end()));
    if (unreachable && !std::exchange(lost_, true)) {
      log::warning("dead letters wait for the store", {{"reason", status.error().message}});
    }
    if (unreachable) {
      retry_timer_ = parts_.loop.after(retry_interval, [this] {
        retry_timer_ = 0;
        store_arrivals();
      });
    }
    return store_arrivals();
  }
  lost_ = false;
  if (singly_ > 0) --singly_;
  for (const auto& arrival : arrivals) {
    if (!status) {
      log::error("a dead letter cannot be stored",
                 {{"flow", arrival.record.flow}, {"id", arrival.record.id}, {"reason", status.error().message}});
    }
    arrival.done(status);
  }
  store_arrivals();
}

void StoredDeadLetters::refresh_soon(std::chrono::nanoseconds delay) {
  refresh_timer_ = parts_.loop.after(delay, [this] { refresh(); });
}

void StoredDeadLetters::refresh() {
  using Counts = std::vector<store::DeadLetters::Count>;
  ask<Counts>([](store::DeadLetters letters) { return letters.counts(); },
              [this](const Result<Counts>& counts) {
                refresh_soon(parts_.look_interval);
                if (counts) take_note(*counts);  // otherwise they stay as they were; the store says that it is lost
              });
}

void StoredDeadLetters::take_note(const std::vector<store::DeadLetters::Count>& counts) {
  std::vector<std::string> grown;
  auto before = std::exchange(counts_, {});
  for (const auto& [flow, waiting, total] : counts) {
    const auto& known = counts_[flow] = {static_cast<std::uint64_t>(waiting), static_cast<std::uint64_t>(total)};
    if (counted_ && known.total > before[flow].total) grown.push_back(flow);
  }
  counted_ = true;
  for (const auto& flow : grown) {
    if (came_) came_(flow);
  }
}

void StoredDeadLetters::page(const Query& query, const std::optional<Place>& after, std::size_t limit,
                             Told<Page> told) {
  const auto place = after.value_or(Place{});
  ask<Records>(
      [query, place, limit](store::DeadLetters letters) {
        return letters.page(query, place.flow, static_cast<std::int64_t>(place.number),
                            static_cast<std::int64_t>(limit) + 1);
      },
      [limit, told = std::move(told)](const Result<Records>& found) {
        if (!found) return told(found.error());
        Page page{letters_of(*found), {}};
        if (page.letters.size() > limit) {
          page.letters.resize(limit);
          if (limit > 0) page.next = Place{page.letters.back().flow, page.letters.back().number};
        }
        told(std::move(page));
      });
}

void StoredDeadLetters::newest(const std::string& flow, std::size_t count, Told<std::vector<DeadLetter>> told) {
  ask<Records>(
      [flow, count](store::DeadLetters letters) { return letters.newest(flow, static_cast<std::int64_t>(count)); },
      [told = std::move(told)](const Result<Records>& found) {
        told(found ? Result<std::vector<DeadLetter>>(letters_of(*found)) : found.error());
      });
}

void StoredDeadLetters::find(const std::string& id_prefix, Told<DeadLetter> told) {
  ask<DeadLetter>(
      [id = clean_id(id_prefix)](store::DeadLetters letters) -> Result<DeadLetter> {
        const auto found = letters.find(id);
        if (!found) return found.error();
        return letter_of(*found);
      },
      std::move(told));
}

DeadLetters::Count StoredDeadLetters::count(const std::string& flow) const {
  const auto known = counts_.find(flow);
  return known == counts_.end() ? Count{} : known->second;
}

void StoredDeadLetters::retry(const DeadLetter& letter, const Retry& how, Durable durable) {
  const auto number = static_cast<std::int64_t>(letter.number);
  ask<Records>(
      [number, now = now()](store::DeadLetters letters) {
        return letters.claim({number}, now, now + std::chrono::milliseconds(claim_time_max).count());
      },
      [this, letter, how, number, durable = std::move(durable)](const Result<Records>& claimed) {
        if (!claimed) return durable(claimed.error());
        if (claimed->empty()) return durable(gone(letter));
        auto message = retried_message(parts_.broker, message_of(claimed->front()), letter, how);
        if (!message) {
          release({number});
          return durable(message.error());
        }
        publish({std::move(*message)}, {number}, [this, flow = letter.flow, durable](const Status& done) {
          if (done) tell_retried(flow, 1);
          durable(done);
        });
      });
}

void StoredDeadLetters::publish(std::vector<broker::MessagePtr> messages, const Numbers& numbers, Durable done) {
  const auto refused = [this, numbers, done](const Error& error) {
    release(numbers);
    done(error);
  };
  auto left = std::make_shared<Numbers>();
  const auto answer = parts_.broker.commit(
      parts_.session, {std::move(messages), {}},
      [this, alive = alive_, numbers, left, done, refused](const Status& published) {
        if (!*alive) return;
        if (!published) return refused(published.error());
        if (left->empty()) return remove(numbers, done);
        release(*left);
        Numbers taken;
        std::ranges::set_difference(numbers, *left, std::back_inserter(taken));
        remove(taken, [done](const Status& removed) {
          done(removed ? Error{Error::Kind::not_found, "the queue of its step is gone (try again)"} : removed.error());
        });
      });
  if (!answer) return refused({Error::Kind::io, answer.error().text});
  for (const auto index : answer->unroutable) left->push_back(numbers[index]);
}

void StoredDeadLetters::remove(const Numbers& numbers, Durable done) {
  ask<std::int64_t>([numbers](store::DeadLetters letters) { return letters.remove(numbers, std::nullopt); },
                    [done = std::move(done)](const Result<std::int64_t>& removed) {
                      done(removed ? Status(Done{}) : Status(removed.error()));
                    });
}

/// If this fails, the claim ends by itself.
void StoredDeadLetters::release(const Numbers& numbers) {
  ask<Done>([numbers](store::DeadLetters letters) { return letters.release(numbers); }, [](const Status&) {});
}

void StoredDeadLetters::drop(const DeadLetter& letter, Durable durable) {
  ask<std::int64_t>([number = static_cast<std::int64_t>(letter.number),
                     now = now()](store::DeadLetters letters) { return letters.remove({number}, now); },
                    [letter, durable = std::move(durable)](const Result<std::int64_t>& removed) {
                      if (!removed) return durable(removed.error());
                      durable(*removed > 0 ? Status(Done{}) : Status(gone(letter)));
                    });
}

void StoredDeadLetters::look(Change change, const Query& query, Told<Changed> told) {
  using Heaps = std::vector<store::DeadLetters::Heap>;
  ask<Heaps>([query](store::DeadLetters letters) { return letters.heaps(query); },
             [this, change, told = std::move(told)](const Result<Heaps>& heaps) {
               if (!heaps) return told(heaps.error());
               Changed found;
               for (const auto& heap : *heaps) {
                 DeadLetter letter;
                 letter.flow = heap.flow;
                 letter.step = heap.step;
                 const auto count = static_cast<std::size_t>(heap.count);
                 const bool stays = change == Change::retry && !newest_version(parts_.broker, heap.flow, heap.step);
                 (stays ? found.left[letter.no_step()] : found.count) += count;
                 found.newest = std::max(found.newest, static_cast<std::uint64_t>(heap.newest));
               }
               told(std::move(found));
             });
}

StoredDeadLetters::Chosen StoredDeadLetters::choose(Change change, const Records& found, std::uint64_t newest) const {
  Chosen chosen{StepVersions(parts_.broker)};
  std::uint64_t bytes = 0;
  for (const auto& record : found) {
    bytes += change == Change::retry ? record.body_size : 0;
    if (bytes > batch_bytes_max && !chosen.numbers.empty()) return chosen;
    chosen.result.next = Place{record.flow, static_cast<std::uint64_t>(record.number)};
    if (static_cast<std::uint64_t>(record.number) > newest) continue;
    if (change == Change::retry && !chosen.versions.newest(record)) {
      ++chosen.result.changed.left[letter_of(record).no_step()];
      continue;
    }
    chosen.numbers.push_back(record.number);
  }
  if (found.size() < batch_max) chosen.result.next.reset();
  return chosen;
}

void StoredDeadLetters::change_some(Change change, const Query& query, const std::optional<Place>& after,
                                    std::uint64_t newest, Told<Some> told) {
  const auto place = after.value_or(Place{});
  ask<Records>(
      [query, place](store::DeadLetters letters) {
        return letters.page(query, place.flow, static_cast<std::int64_t>(place.number), batch_max);
      },
      [this, change, newest, told = std::move(told)](const Result<Records>& found) {
        if (!found) return told(found.error());
        auto chosen = choose(change, *found, newest);
        if (chosen.numbers.empty()) return told(std::move(chosen.result));
        change == Change::retry ? retry_some(std::move(chosen), told) : drop_some(std::move(chosen), told);
      });
}

void StoredDeadLetters::drop_some(Chosen chosen, Told<Some> told) {
  ask<std::int64_t>(
      [numbers = std::move(chosen.numbers), now = now()](store::DeadLetters letters) {
        return letters.remove(numbers, now);
      },
      [result = std::move(chosen.result), told = std::move(told)](const Result<std::int64_t>& removed) mutable {
        if (!removed) return told(removed.error());
        result.changed.count = static_cast<std::size_t>(*removed);
        told(std::move(result));
      });
}

void StoredDeadLetters::retry_some(Chosen chosen, Told<Some> told) {
  ask<Records>(
      [numbers = chosen.numbers, now = now()](store::DeadLetters letters) {
        return letters.claim(numbers, now, now + std::chrono::milliseconds(claim_time_max).count());
      },
      [this, chosen, told = std::move(told)](const Result<Records>& claimed) mutable {
        if (!claimed) return told(claimed.error());
        auto result = chosen.result;
        result.changed.count = claimed->size();
        if (claimed->empty()) return told(std::move(result));
        std::vector<broker::MessagePtr> messages;
        Numbers numbers;
        std::map<std::string, std::size_t> flows;
        for (const auto& record : *claimed) {
          messages.push_back(fresh_message(message_of(record), letter_of(record), *chosen.versions.newest(record)));
          numbers.push_back(record.number);
          ++flows[record.flow];
        }
        publish(std::move(messages), numbers, [this, flows, result, told](const Status& done) {
          if (!done) return told(done.error());
          for (const auto& [flow, count] : flows) tell_retried(flow, count);
          told(result);
        });
      });
}

}  // namespace millrace::api
