#include "store/audit.hpp"

#include <charconv>

#include "api/responses.hpp"
#include "api/services.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::problem;

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  const auto cursor = call.asked("cursor");
  std::int64_t before = 0;
  const auto [stopped, failed] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), before);
  if (!cursor.empty() && (failed != std::errc() || stopped != cursor.data() + cursor.size() || before < 1)) {
    return call.respond(problem(400, "Bad request", "cursor is none of ours"));
  }
  using Entries = std::vector<store::AuditEntry>;
  services.store.run<Entries>(
      [subject = call.asked("subject"), before, limit = *limit](store::Database& database) {
        return store::Audit(database).list(subject, before, limit);
      },
      [respond = call.respond, limit = *limit](const Result<Entries>& entries) {
        if (!entries) return respond(problem(entries.error()));
        json::array items;
        for (const auto& entry : *entries) {
          items.push_back(json::object{{"number", entry.number},
                                       {"at", entry.at},
                                       {"who", entry.who},
                                       {"action", entry.action},
                                       {"subject", entry.subject},
                                       {"before", entry.before},
                                       {"after", entry.after}});
        }
        const bool full = static_cast<std::int64_t>(entries->size()) == limit && entries->back().number > 1;
        respond(page(std::move(items), full ? std::to_string(entries->back().number) : ""));
      });
}

}  // namespace

void add_audit_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/audit",
                        Scope::admin,
                        [services](const Call& call) { list(services, call); },
                        Operation::Body::none,
                        {"subject", "cursor", "limit"},
                        0});
}

}  // namespace millrace::api
