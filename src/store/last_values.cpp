#include "store/last_values.hpp"

namespace millrace::store {

Result<std::optional<LastValue>> LastValues::find(const std::string& queue) {
  const auto found = database_.execute(
      "SELECT exchange, routing_key, properties, body, pending, revision FROM last_values WHERE queue = $1", {queue});
  if (!found) return found.error();
  if (found->empty()) return std::optional<LastValue>();
  const auto& row = found->rows.front();
  return std::optional(
      LastValue{queue, row[0].text(), row[1].text(), row[2].text(), row[3].text(), row[4].text(), row[5].integer()});
}

Result<std::int64_t> LastValues::put(const LastValue& value) {
  const auto done = database_.execute(
      "INSERT INTO last_values (queue, exchange, routing_key, properties, body, pending, revision)"
      " VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT (queue) DO UPDATE SET exchange = excluded.exchange,"
      " routing_key = excluded.routing_key, properties = excluded.properties, body = excluded.body,"
      " pending = excluded.pending, revision = last_values.revision + 1 RETURNING revision",
      {value.queue, value.exchange, value.routing_key, Bytes{value.properties}, Bytes{value.body},
       Bytes{value.pending}});
  if (!done) return done.error();
  return done->rows.front()[0].integer();
}

Status LastValues::published(const std::string& queue, std::int64_t revision) {
  return only_done(database_.execute("UPDATE last_values SET pending = $1 WHERE queue = $2 AND revision = $3",
                                     {Bytes{}, queue, revision}));
}

Status LastValues::remove(const std::string& queue) {
  return only_done(database_.execute("DELETE FROM last_values WHERE queue = $1", {queue}));
}

}  // namespace millrace::store
