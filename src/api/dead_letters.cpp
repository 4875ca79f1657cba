#include "api/dead_letters.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_document.hpp"
#include "component/message.hpp"
#include "core/id.hpp"
#include "flow/plan.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
namespace names = flow::names;

constexpr std::string_view queue_suffix = ".dead-letters";
constexpr std::string_view key_suffix = ":error";

/// One made from the message where a foreign client has given it none: each dead letter can be named.
std::string id_of(const std::optional<amqp::Properties>& properties, const broker::Message& message) {
  std::string id;
  if (properties && properties->headers) id = properties->headers->text("messageId");
  if (id.empty() && properties) id = properties->message_id.value_or("");
  return id.empty() ? derived_id({message.properties, message.body}) : id;
}

std::optional<amqp::Properties> properties_of(const broker::Message& message) {
  auto properties = amqp::decode_properties(message.properties);
  return properties ? std::optional(std::move(*properties)) : std::nullopt;
}

DeadLetter read(std::string_view flow, const broker::Message& message) {
  DeadLetter letter;
  letter.flow = flow;
  letter.envelope = message.body;
  std::string_view step = message.routing_key;
  if (step.ends_with(key_suffix)) step.remove_suffix(key_suffix.size());
  letter.step = step;
  letter.version = names::version_of_exchange(message.exchange).value_or(0);
  const auto properties = properties_of(message);
  letter.id = id_of(properties, message);
  if (!properties || !properties->headers) return letter;
  const auto& headers = *properties->headers;
  letter.execution = headers.text("threadId");
  letter.code = headers.text("errorCode", "worker.lost");
  letter.reason = headers.text("errorMessage", "its worker ended, again and again, while it had this message in work");
  letter.details = headers.text("errorDetails");
  letter.attempts = headers.integer("attempts", headers.integer("x-delivery-count"));
  letter.failed_at = headers.integer("failedAt");
  return letter;
}

/// The message without the marks of its failure. Without message-id, too: the step's queue has seen it and would take
/// it for a repeat.
std::string fresh_properties(const broker::Message& message) {
  auto properties = amqp::decode_properties(message.properties);
  if (!properties) return message.properties;
  properties->message_id.reset();
  properties->expiration.reset();
  if (properties->headers) {
    properties->headers->set("retries", properties->headers->integer("retries") + 1);
    for (const auto* name : {"errorCode", "errorMessage", "errorDetails", "failedStep", "failedAt", "attempts",
                             "reboundIteration", "reboundReason", "x-millrace-place", "x-death", "x-delivery-count",
                             "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason"}) {
      properties->headers->erase(name);
    }
  }
  return amqp::encode_properties(*properties);
}

/// As on its first try, to the step at which it failed.
std::shared_ptr<broker::Message> fresh(const broker::Message& dead, const DeadLetter& letter, std::int64_t version) {
  auto message = std::make_shared<broker::Message>();
  message->exchange = names::exchange(letter.flow, version);
  message->routing_key = names::input_key(letter.step);
  message->properties = fresh_properties(dead);
  message->body = dead.body;
  return message;
}

std::string no_step(const DeadLetter& letter) {
  return fmt::format("flow {} no longer has a step {} (bring it back, or drop the dead letter)", letter.flow,
                     letter.step);
}

Error gone(const DeadLetter& letter) {
  return {Error::Kind::not_found, fmt::format("there is no dead letter {}", letter.id)};
}

}  // namespace

json::object DeadLetter::to_json(bool with_message) const {
  json::object object = {{"id", id},         {"flow", flow},           {"version", version},
                         {"step", step},     {"execution", execution}, {"code", code},
                         {"reason", reason}, {"attempts", attempts},   {"failed_at", failed_at}};
  if (!details.empty()) object["details"] = component::document_or_text(details);
  if (with_message) object["message"] = component::document_or_text(envelope);
  return object;
}

bool DeadLetters::Query::means(const DeadLetter& letter) const {
  const auto has_text = [&](const std::string& part) { return part.find(text) != std::string::npos; };
  return (flow.empty() || letter.flow == flow) && (step.empty() || letter.step == step) &&
         (code.empty() || letter.code == code) && (execution.empty() || letter.execution == execution) &&
         (text.empty() || has_text(letter.code) || has_text(letter.reason) || has_text(letter.details)) &&
         (!failed_before || (letter.failed_at != 0 && letter.failed_at < *failed_before)) &&
         (!failed_after || letter.failed_at > *failed_after);
}

std::string DeadLetters::Place::to_text() const {
  return fmt::format("{}.{}", number, flow);
}

std::optional<DeadLetters::Place> DeadLetters::Place::parse(std::string_view text) {
  Place place;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), place.number);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (failed != std::errc() || used >= text.size() || text[used] != '.') return std::nullopt;
  place.flow = text.substr(used + 1);
  return place;
}

void DeadLetters::each(std::string_view flow, const std::optional<Place>& after,
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
      auto letter = read(name, *waiting.message);
      letter.number = waiting.number;
      more = visit(std::move(letter));
      return more;
    }));
  }
}

DeadLetters::Page DeadLetters::page(const Query& query, const std::optional<Place>& after, std::size_t limit) const {
  Page page;
  if (limit == 0) return page;
  each(query.flow, after, [&](DeadLetter letter) {
    if (!query.means(letter)) return true;
    if (page.letters.size() == limit) {
      page.next = Place{page.letters.back().flow, page.letters.back().number};
      return false;
    }
    page.letters.push_back(std::move(letter));
    return true;
  });
  return page;
}

std::vector<DeadLetter> DeadLetters::newest(const std::string& flow, std::size_t count) const {
  std::vector<DeadLetter> letters;
  const auto name = names::dead_letter_queue(flow);
  const auto queue = broker_.queue(name);
  if (!queue) return letters;
  const auto from = queue->ready > count ? queue->ready - count : 0;
  const auto messages = broker_.peek(name, from, count);
  if (!messages) return letters;
  for (const auto& message : *messages) letters.push_back(read(flow, *message));
  return letters;
}

Result<DeadLetter> DeadLetters::find(std::string_view id_prefix) const {
  std::optional<DeadLetter> found;
  bool several = false;
  each({}, std::nullopt, [&](DeadLetter letter) {
    const bool is_it = letter.id == id_prefix;
    if (!is_it && !letter.id.starts_with(id_prefix)) return true;
    several = !is_it && (several || (found && found->id != letter.id));
    if (is_it || !found) found = std::move(letter);
    return !is_it;
  });
  if (!found) return Error{Error::Kind::not_found, fmt::format("there is no dead letter {}", id_prefix)};
  if (several) return Error{Error::Kind::invalid, fmt::format("several dead letters begin with {}", id_prefix)};
  return std::move(*found);
}

std::optional<std::int64_t> DeadLetters::newest_version(const std::string& flow, const std::string& step) const {
  std::optional<std::int64_t> newest;
  const auto prefix = flow + "@";
  for (const auto& queue : broker_.queues()) {
    const std::string_view name = queue.name;
    if (!name.starts_with(prefix)) continue;
    const auto version = names::version_of_exchange("flow." + std::string(name.substr(0, name.find('.'))));
    if (!version || name != names::step_queue(flow, *version, step)) continue;
    newest = std::max(*version, newest.value_or(0));
  }
  return newest;
}

Status DeadLetters::retry(const DeadLetter& letter, const Retry& how, Durable durable) {
  const auto version = how.version ? how.version : newest_version(letter.flow, letter.step);
  if (!version || !broker_.queue(names::step_queue(letter.flow, *version, letter.step))) {
    return Error{Error::Kind::not_found, no_step(letter)};
  }
  auto taken = take(letter.flow, {letter.number});
  if (!taken) return taken.error();
  if (taken->empty()) return gone(letter);
  auto message = fresh(*taken->front().message, letter, *version);
  if (how.body) {
    auto read = component::Message::parse(message->body);
    if (!read) {
      put_back(*taken);
      return read.error().in("the message that shall get another body");
    }
    message->body = read->with_body(*how.body).take_envelope();
  }
  auto done = commit({{std::move(message)}, {{taken->front().id, broker::Settle::ack}}}, std::move(durable));
  if (!done) put_back(*taken);
  if (done && retried_) retried_(letter.flow, 1);
  return done;
}

Status DeadLetters::drop(const DeadLetter& letter, Durable durable) {
  const auto taken = take(letter.flow, {letter.number});
  if (!taken) return taken.error();
  if (taken->empty()) return gone(letter);
  return commit({{}, {{taken->front().id, broker::Settle::ack}}}, std::move(durable));
}

DeadLetters::Changed DeadLetters::look(Change change, const Query& query) const {
  Changed found;
  std::map<std::pair<std::string, std::string>, bool> has_step;
  each(query.flow, std::nullopt, [&](const DeadLetter& letter) {
    if (!query.means(letter)) return true;
    found.newest = std::max(found.newest, letter.number);
    const auto [known, added] = has_step.try_emplace({letter.flow, letter.step}, true);
    if (added && change == Change::retry) known->second = newest_version(letter.flow, letter.step).has_value();
    known->second ? ++found.count : ++found.left[no_step(letter)];
    return true;
  });
  return found;
}

Result<DeadLetters::Changed> DeadLetters::change_some(Change change, const Query& query, std::optional<Place>& place,
                                                      std::uint64_t newest, Durable durable) {
  Changed done;
  std::vector<DeadLetter> letters;  // of one flow
  std::map<std::string, std::optional<std::int64_t>> versions;
  bool more = false;
  each(query.flow, place, [&](DeadLetter letter) {
    more = letters.size() == batch_max || (!letters.empty() && letters.front().flow != letter.flow);
    if (more) return false;
    place = Place{letter.flow, letter.number};
    if (!query.means(letter) || letter.number > newest) return true;
    const auto [version, added] = versions.try_emplace(letter.flow + "/" + letter.step);
    if (added && change == Change::retry) version->second = newest_version(letter.flow, letter.step);
    if (change == Change::retry && !version->second) {
      ++done.left[no_step(letter)];
      return true;
    }
    letters.push_back(std::move(letter));
    return true;
  });
  if (!more) place.reset();
  if (letters.empty()) return done;
  std::vector<std::uint64_t> numbers;
  for (const auto& letter : letters) numbers.push_back(letter.number);
  const auto taken = take(letters.front().flow, numbers);
  if (!taken) return taken.error();
  broker::Batch batch;
  for (const auto& delivery : *taken) {
    batch.settlements.push_back({delivery.id, broker::Settle::ack});
    if (change == Change::drop) continue;
    const auto letter = read(letters.front().flow, *delivery.message);
    batch.publishes.push_back(fresh(*delivery.message, letter, *versions.at(letter.flow + "/" + letter.step)));
  }
  done.count = taken->size();
  if (auto committed = commit(std::move(batch), std::move(durable)); !committed) {
    put_back(*taken);
    return committed.error();
  }
  if (change == Change::retry && retried_) retried_(letters.front().flow, done.count);
  return done;
}

Result<std::vector<broker::Delivery>> DeadLetters::take(const std::string& flow,
                                                        const std::vector<std::uint64_t>& numbers) {
  auto taken = broker_.take(session_, names::dead_letter_queue(flow), numbers);
  if (!taken) return Error{Error::Kind::unavailable, taken.error().text};
  return std::move(*taken);
}

void DeadLetters::put_back(const std::vector<broker::Delivery>& taken) {
  broker::Batch batch;
  for (const auto& delivery : taken) batch.settlements.push_back({delivery.id, broker::Settle::requeue});
  // Refused only when storage has failed: then they are back at the next start.
  static_cast<void>(commit(std::move(batch), nullptr));
}

Status DeadLetters::commit(broker::Batch batch, Durable durable) {
  const auto answer = broker_.commit(session_, std::move(batch), std::move(durable));
  if (!answer) return Error{Error::Kind::io, answer.error().text};
  return Done{};
}

}  // namespace millrace::api
