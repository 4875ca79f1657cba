#include "replay/replays.hpp"

#include <charconv>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api/responses.hpp"
#include "api/services.hpp"
#include "component/json_document.hpp"
#include "core/id.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;
using replay::Order;
using store::ReplayRecord;

json::object replay_json(const ReplayRecord& record, const replay::Progress* progress) {
  json::object out = {{"id", record.id},
                      {"state", record.state},
                      {"order", component::document_or_text(record.spec)},
                      {"created_by", record.created_by},
                      {"created_at", record.created_at},
                      {"ended_at", record.ended_at == 0 ? json::value(nullptr) : json::value(record.ended_at)},
                      {"sent", progress != nullptr ? static_cast<std::int64_t>(progress->sent) : record.sent},
                      {"skipped", progress != nullptr ? static_cast<std::int64_t>(progress->skipped) : record.skipped},
                      {"reason", nullptr}};
  if (!record.reason.empty()) out["reason"] = record.reason;
  if (!record.member.empty()) out["member"] = record.member;
  return out;
}

json::object preview_json(const Order& order, const replay::Preview& preview) {
  json::array examples;
  for (const auto& chosen : preview.examples) {
    examples.push_back(json::object{{"execution", chosen.execution},
                                    {"message", chosen.message},
                                    {"flow", chosen.flow},
                                    {"version", chosen.version},
                                    {"redacted", chosen.redacted},
                                    {"envelope", component::document_or_text(chosen.envelope)}});
  }
  return {{"dry_run", true},
          {"order", order.to_json()},
          {"would_send", preview.progress.sent},
          {"would_skip", preview.progress.skipped},
          {"examples", std::move(examples)}};
}

std::string subject_of(const Order& order) {
  return order.what.query.flow.empty() ? "execution/" + order.what.execution : "flow/" + order.what.query.flow;
}

void start(const Services& services, const Call& call, Order order) {
  const auto now = services.now();
  auto& until = order.what.query.until;
  until = until == 0 ? now : std::min(until, now);
  ReplayRecord record;
  record.id = random_id();
  record.spec = json::serialize(order.to_json());
  record.created_by = call.caller.who;
  record.created_at = now;
  record.member = services.replays.member();
  const store::AuditEntry entry{0, now, call.caller.who, "replay.start", subject_of(order), "", record.id};
  services.store.run<Done>(
      [record, entry](store::Database& database) -> Status {
        if (auto made = store::Replays(database).create(record); !made) return made;
        return store::Audit(database).write(entry);
      },
      [services, record, order, respond = call.respond](const Status& stored) {
        if (!stored) return respond(problem(stored.error()));
        services.replays.begin(record, order);
        auto response = json_response(201, replay_json(record, services.replays.progress(record.id)));
        response.headers.emplace_back("Location", "/v1/replays/" + record.id);
        respond(std::move(response));
      });
}

void create(const Services& services, const Call& call) {
  auto body = call.body;
  bool dry_run = false;
  if (const auto* asked = body.if_contains("dry_run")) {
    if (!asked->is_bool()) return call.respond(problem(400, "Bad request", "\"dry_run\" must be true or false"));
    dry_run = asked->get_bool();
    body.erase("dry_run");
  }
  const auto order = Order::from_json(body);
  if (!order) return call.respond(problem(order.error()));
  if (auto can = services.replays.check(*order); !can) return call.respond(problem(can.error()));
  if (!dry_run) return start(services, call, *order);
  services.replays.preview(
      *order, services.now(), [order = *order, respond = call.respond](const Result<replay::Preview>& preview) {
        respond(preview ? json_response(200, preview_json(order, *preview)) : problem(preview.error()));
      });
}

void show(const Services& services, const Call& call) {
  services.store.run<ReplayRecord>(
      [id = call.path[0]](store::Database& database) { return store::Replays(database).find(id); },
      [services, respond = call.respond](const Result<ReplayRecord>& record) {
        if (!record) return respond(problem(record.error()));
        respond(json_response(200, replay_json(*record, services.replays.progress(record->id))));
      });
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  const auto cursor = call.asked("cursor");
  std::int64_t before = 0;
  const auto [end, failed] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), before);
  if (!cursor.empty() && (failed != std::errc() || end != cursor.data() + cursor.size())) {
    return call.respond(problem(400, "Bad request", "cursor is none of ours"));
  }
  using Records = std::vector<ReplayRecord>;
  services.store.run<Records>(
      [before, limit = *limit](store::Database& database) { return store::Replays(database).list(before, limit); },
      [services, respond = call.respond, limit = *limit](const Result<Records>& records) {
        if (!records) return respond(problem(records.error()));
        json::array items;
        for (const auto& record : *records) items.push_back(replay_json(record, services.replays.progress(record.id)));
        const bool full = static_cast<std::int64_t>(records->size()) == limit;
        respond(page(std::move(items), full ? std::to_string(records->back().created_at) : ""));
      });
}

void write_stop(const Services& services, const Call& call, const std::string& id) {
  const store::AuditEntry entry{0,         services.now(), call.caller.who, "replay.stop", "replay/" + id,
                                "running", "stopped"};
  services.store.run<ReplayRecord>(
      [id, entry](store::Database& database) -> Result<ReplayRecord> {
        if (auto written = store::Audit(database).write(entry); !written) return written.error();
        return store::Replays(database).find(id);
      },
      [respond = call.respond](const Result<ReplayRecord>& record) {
        respond(record ? json_response(200, replay_json(*record, nullptr)) : problem(record.error()));
      });
}

void stop(const Services& services, const Call& call) {
  const auto id = call.path[0];
  services.store.run<ReplayRecord>(
      [id](store::Database& database) { return store::Replays(database).find(id); },
      [services, call, id](const Result<ReplayRecord>& record) {
        if (!record) return call.respond(problem(record.error()));
        if (record->state == "running" && record->member != services.replays.member()) {
          return call.respond(problem(409, "Conflict",
                                      "the platform " + record->member +
                                          " runs it, from its history (stop it there: "
                                          "`millrace members` says where that is)"));
        }
        const auto begun = services.replays.stop(id, [services, call, id](const Status& ended) {
          ended ? write_stop(services, call, id) : call.respond(problem(ended.error()));
        });
        if (!begun) call.respond(problem(begun.error()));
      });
}

}  // namespace

void add_replay_operations(Operations& operations, const Services& services) {
  constexpr std::uint64_t body_max = 10'000'000;
  const auto add = [&](const char* method, const char* path, Operation::Body body, auto what,
                       std::vector<std::string_view> query, std::uint64_t size_max) {
    operations.push_back({method, path, Scope::operate, [services, what](const Call& call) { what(services, call); },
                          body, std::move(query), size_max});
  };
  add("GET", "/v1/replays", Operation::Body::none, list, {"cursor", "limit"}, 0);
  add("POST", "/v1/replays", Operation::Body::json, create, {}, body_max);
  add("GET", "/v1/replays/{id}", Operation::Body::none, show, {}, 0);
  add("POST", "/v1/replays/{id}/stop", Operation::Body::json, stop, {}, 64u << 10);
}

}  // namespace millrace::api
