#include "store/dead_letters.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::store {
namespace {

constexpr std::string_view about =
    "flow, version, step, id, execution, code, reason, details, attempts, failed_at, retries, number, LENGTH(body)";
constexpr std::string_view whole = ", exchange, routing_key, properties, body";

DeadLetterRecord read(const Row& row) {
  DeadLetterRecord letter;
  letter.flow = row[0].text();
  letter.version = row[1].integer();
  letter.step = row[2].text();
  letter.id = row[3].text();
  letter.execution = row[4].text();
  letter.code = row[5].text();
  letter.reason = row[6].text();
  letter.details = row[7].text();
  letter.attempts = row[8].integer();
  letter.failed_at = row[9].integer();
  letter.retries = row[10].integer();
  letter.number = row[11].integer();
  letter.body_size = static_cast<std::uint64_t>(row[12].integer());
  if (row.size() == 13) return letter;
  letter.exchange = row[13].text();
  letter.routing_key = row[14].text();
  letter.properties = row[15].text();
  letter.body = row[16].text();
  return letter;
}

Result<std::vector<DeadLetterRecord>> read_all(const Result<Rows>& found) {
  if (!found) return found.error();
  std::vector<DeadLetterRecord> letters;
  for (const auto& row : found->rows) letters.push_back(read(row));
  return letters;
}

/// A condition in SQL, with its parameters.
class Condition {
 public:
  explicit Condition(const DeadLetterQuery& query) {
    for (const auto& [column, wanted] : {std::pair("flow", &query.flow),
                                         {"step", &query.step},
                                         {"code", &query.code},
                                         {"execution", &query.execution}}) {
      if (!wanted->empty()) add(fmt::format("{} = {}", column, value(*wanted)));
    }
    if (!query.text.empty()) {
      // LIKE minds capitals in one database and not in the other.
      const auto text = value(query.text);
      add(
          fmt::format("(REPLACE(code, {0}, '') <> code OR REPLACE(reason, {0}, '') <> reason OR "
                      "REPLACE(details, {0}, '') <> details)",
                      text));
    }
    if (query.failed_before) add(fmt::format("failed_at <> 0 AND failed_at < {}", value(*query.failed_before)));
    if (query.failed_after) add(fmt::format("failed_at > {}", value(*query.failed_after)));
  }

  void add(const std::string& one) { text_ += (text_.empty() ? " WHERE " : " AND ") + one; }
  std::string value(Value value) {
    values_.push_back(std::move(value));
    return fmt::format("${}", values_.size());
  }
  const std::string& text() const { return text_; }
  const std::vector<Value>& values() const { return values_; }

 private:
  std::string text_;
  std::vector<Value> values_;
};

}  // namespace

Result<bool> DeadLetters::add(const DeadLetterRecord& letter) {
  const auto done = database_.execute(
      "INSERT INTO dead_letters (flow, version, step, id, execution, code, reason, details, attempts, failed_at, "
      "retries, exchange, routing_key, properties, body, claimed_until) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0) ON CONFLICT DO NOTHING",
      {letter.flow, letter.version, letter.step, letter.id, letter.execution, letter.code, letter.reason,
       letter.details, letter.attempts, letter.failed_at, letter.retries, letter.exchange, letter.routing_key,
       Bytes{letter.properties}, Bytes{letter.body}});
  if (!done) return done.error();
  if (done->changed == 0) return false;
  if (auto counted = count(letter.flow, 1, 1); !counted) return counted.error();
  return true;
}

Status DeadLetters::count(const std::string& flow, std::int64_t waiting, std::int64_t total) {
  return only_done(
      database_.execute("INSERT INTO dead_letter_counts (flow, waiting, total) VALUES ($1, $2, $3) ON CONFLICT (flow) "
                        "DO UPDATE SET waiting = dead_letter_counts.waiting + $2, "
                        "total = dead_letter_counts.total + $3",
                        {flow, waiting, total}));
}

Result<std::vector<DeadLetterRecord>> DeadLetters::page(const DeadLetterQuery& query, const std::string& after_flow,
                                                        std::int64_t after, std::int64_t limit) {
  Condition condition(query);
  if (!after_flow.empty()) {
    const auto flow = condition.value(after_flow);
    condition.add(fmt::format("(flow > {0} OR (flow = {0} AND number > {1}))", flow, condition.value(after)));
  }
  const auto most = condition.value(limit);
  return read_all(database_.execute(
      fmt::format("SELECT {} FROM dead_letters{} ORDER BY flow, number LIMIT {}", about, condition.text(), most),
      condition.values()));
}

Result<std::vector<DeadLetterRecord>> DeadLetters::newest(const std::string& flow, std::int64_t count) {
  auto letters = read_all(database_.execute(
      fmt::format("SELECT {} FROM dead_letters WHERE flow = $1 ORDER BY number DESC LIMIT $2", about), {flow, count}));
  if (letters) std::ranges::reverse(*letters);
  return letters;
}

Result<DeadLetterRecord> DeadLetters::find(const std::string& id_prefix) {
  const auto select = fmt::format("SELECT {}{} FROM dead_letters WHERE ", about, whole);
  auto found = read_all(database_.execute(select + "id = $1 ORDER BY flow, number LIMIT 1", {id_prefix}));
  if (found && found->empty()) {
    const auto last = id_prefix + "\xf4\x8f\xbf\xbf";  // U+10FFFF: no id goes on with more
    const auto ids =
        database_.execute("SELECT DISTINCT id FROM dead_letters WHERE id >= $1 AND id < $2 LIMIT 2", {id_prefix, last});
    if (!ids) return ids.error();
    if (ids->rows.size() > 1) {
      return Error{Error::Kind::invalid, fmt::format("several dead letters begin with {}", id_prefix)};
    }
    if (!ids->empty()) {
      found = read_all(database_.execute(select + "id = $1 ORDER BY flow, number LIMIT 1", {ids->rows[0][0].text()}));
    }
  }
  if (!found) return found.error();
  if (found->empty()) return Error{Error::Kind::not_found, fmt::format("there is no dead letter {}", id_prefix)};
  return std::move(found->front());
}

Result<std::vector<DeadLetters::Heap>> DeadLetters::heaps(const DeadLetterQuery& query) {
  const Condition condition(query);
  const auto found = database_.execute(
      fmt::format("SELECT flow, step, COUNT(*), MAX(number) FROM dead_letters{} GROUP BY flow, step", condition.text()),
      condition.values());
  if (!found) return found.error();
  std::vector<Heap> heaps;
  for (const auto& row : found->rows) {
    heaps.push_back({row[0].text(), row[1].text(), row[2].integer(), row[3].integer()});
  }
  return heaps;
}

Result<std::vector<DeadLetterRecord>> DeadLetters::claim(const std::vector<std::int64_t>& numbers, std::int64_t now,
                                                         std::int64_t until) {
  if (numbers.empty()) return std::vector<DeadLetterRecord>();
  auto claimed = read_all(database_.execute(
      fmt::format("UPDATE dead_letters SET claimed_until = $1 WHERE number IN ({}) AND claimed_until <= $2 "
                  "RETURNING {}{}",
                  fmt::join(numbers, ", "), about, whole),
      {until, now}));
  if (claimed) std::ranges::sort(*claimed, {}, &DeadLetterRecord::number);
  return claimed;
}

Status DeadLetters::release(const std::vector<std::int64_t>& numbers) {
  if (numbers.empty()) return Done{};
  return only_done(database_.execute(
      fmt::format("UPDATE dead_letters SET claimed_until = 0 WHERE number IN ({})", fmt::join(numbers, ", "))));
}

Result<std::int64_t> DeadLetters::remove(const std::vector<std::int64_t>& numbers, std::optional<std::int64_t> now) {
  if (numbers.empty()) return std::int64_t{0};
  auto sql = fmt::format("DELETE FROM dead_letters WHERE number IN ({})", fmt::join(numbers, ", "));
  if (now) sql += fmt::format(" AND claimed_until <= {}", *now);
  const auto removed = database_.execute(sql + " RETURNING flow");
  if (!removed) return removed.error();
  std::map<std::string, std::int64_t> flows;
  for (const auto& row : removed->rows) ++flows[row[0].text()];
  for (const auto& [flow, gone] : flows) {
    if (auto counted = count(flow, -gone, 0); !counted) return counted.error();
  }
  return static_cast<std::int64_t>(removed->rows.size());
}

Result<std::vector<DeadLetters::Count>> DeadLetters::counts() {
  const auto found = database_.execute("SELECT flow, waiting, total FROM dead_letter_counts");
  if (!found) return found.error();
  std::vector<Count> counts;
  for (const auto& row : found->rows) counts.push_back({row[0].text(), row[1].integer(), row[2].integer()});
  return counts;
}

Status DeadLetters::forget(const std::string& flow) {
  for (const auto* sql :
       {"DELETE FROM dead_letters WHERE flow = $1", "DELETE FROM dead_letter_counts WHERE flow = $1"}) {
    if (const auto done = database_.execute(sql, {flow}); !done) return done.error();
  }
  return Done{};
}

}  // namespace millrace::store
