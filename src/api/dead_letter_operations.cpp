#include <fmt/format.h>

#include "api/dead_letter_query.hpp"
#include "api/responses.hpp"
#include "api/services.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;

bool is_text(const json::value& value, std::string_view text) {
  return value.is_string() && std::string_view(value.get_string()) == text;
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  const auto query = dead_letter_query(call.query);
  if (!query) return call.respond(problem(query.error()));
  std::optional<DeadLetters::Place> after;
  if (const auto cursor = call.asked("cursor"); !cursor.empty()) {
    after = DeadLetters::Place::parse(cursor);
    if (!after) return call.respond(problem(400, "Bad request", "cursor is none of ours"));
  }
  services.dead_letters.page(*query, after, static_cast<std::size_t>(*limit),
                             [respond = call.respond](const Result<DeadLetters::Page>& found) {
                               if (!found) return respond(problem(found.error()));
                               json::array items;
                               for (const auto& letter : found->letters) items.push_back(letter.to_json(false));
                               respond(page(std::move(items), found->next ? found->next->to_text() : ""));
                             });
}

/// The letter that the path names, to `then`.
void with_letter(const Services& services, const Call& call, std::function<void(const DeadLetter&)> then) {
  services.dead_letters.find(call.path[0],
                             [respond = call.respond, then = std::move(then)](const Result<DeadLetter>& letter) {
                               letter ? then(*letter) : respond(problem(letter.error()));
                             });
}

void show(const Services& services, const Call& call) {
  with_letter(services, call, [respond = call.respond](const DeadLetter& letter) {
    respond(json_response(200, letter.to_json(true)));
  });
}

/// Writes down what was done with a letter, then answers.
DeadLetters::Durable done_with(const Services& services, const Call& call, const DeadLetter& letter,
                               const std::string& action) {
  return [services, respond = call.respond, letter, action,
          change = services.change(call.caller)](const Status& stored) {
    if (!stored) return respond(problem(stored.error()));
    const store::AuditEntry entry{0, change.at, change.who, action, "flow/" + letter.flow, letter.step, letter.id};
    services.store.run<Done>([entry](store::Database& database) { return store::Audit(database).write(entry); },
                             [respond, letter](const Status& written) {
                               respond(written ? json_response(200, letter.to_json(false)) : problem(written.error()));
                             });
  };
}

void drop(const Services& services, const Call& call) {
  with_letter(services, call, [services, call](const DeadLetter& letter) {
    services.dead_letters.drop(letter, done_with(services, call, letter, "dead-letter.drop"));
  });
}

void retry_on(const Services& services, const Call& call, const DeadLetter& letter, const DeadLetters::Retry& how) {
  services.dead_letters.retry(letter, how, done_with(services, call, letter, "dead-letter.retry"));
}

/// A retired version's queues are made again; it drains once more.
void revive_and_retry(const Services& services, const Call& call, const DeadLetter& letter,
                      const DeadLetters::Retry& how) {
  const auto version = *how.version;
  services.store.run<store::FlowInUse>(
      [flow = letter.flow, version](store::Database& database) -> Result<store::FlowInUse> {
        store::Flows flows(database);
        if (auto revived = flows.revive(flow, version); !revived) return revived.error();
        return flows.in_use(flow);
      },
      [services, call, letter, how](const Result<store::FlowInUse>& flow) {
        if (!flow) return call.respond(problem(flow.error()));
        services.deployments.follow(*flow);
        retry_on(services, call, letter, how);
      });
}

Result<DeadLetters::Retry> read_retry(const Call& call, const DeadLetter& letter) {
  DeadLetters::Retry how;
  for (const auto& [name, value] : call.body) {
    if (name == "version" && is_text(value, "current")) continue;
    if (name == "version" && is_text(value, "original")) {
      how.version = letter.version;
    } else if (name == "version" && value.is_int64() && value.get_int64() >= 1) {
      how.version = value.get_int64();
    } else if (name == "body") {
      how.body = json::serialize(value);
    } else {
      return Error{Error::Kind::invalid,
                   "only \"version\" (\"current\", \"original\" or the number of one) and \"body\" are known"};
    }
  }
  return how;
}

void retry(const Services& services, const Call& call) {
  with_letter(services, call, [services, call](const DeadLetter& letter) {
    const auto how = read_retry(call, letter);
    if (!how) return call.respond(problem(how.error()));
    const bool in_use = !how->version || services.deployments.deployed().find(letter.flow, *how->version) != nullptr;
    in_use ? retry_on(services, call, letter, *how) : revive_and_retry(services, call, letter, *how);
  });
}

}  // namespace

void add_dead_letter_operations(Operations& operations, const Services& services) {
  operations.push_back({"GET",
                        "/v1/dead-letters",
                        Scope::operate,
                        [services](const Call& call) { list(services, call); },
                        Operation::Body::none,
                        {"flow", "step", "code", "text", "failed_before", "failed_after", "cursor", "limit"},
                        0});
  operations.push_back({"GET",
                        "/v1/dead-letters/{id}",
                        Scope::operate,
                        [services](const Call& call) { show(services, call); },
                        Operation::Body::none,
                        {},
                        0});
  operations.push_back({"DELETE",
                        "/v1/dead-letters/{id}",
                        Scope::operate,
                        [services](const Call& call) { drop(services, call); },
                        Operation::Body::none,
                        {},
                        0});
  constexpr std::uint64_t message_size_max = 10'000'000;
  operations.push_back({"POST",
                        "/v1/dead-letters/{id}/retry",
                        Scope::operate,
                        [services](const Call& call) { retry(services, call); },
                        Operation::Body::json,
                        {},
                        message_size_max});
  for (const auto& [path, change] :
       {std::pair<std::string_view, DeadLetters::Change>("/v1/dead-letters/retry", DeadLetters::Change::retry),
        {"/v1/dead-letters/drop", DeadLetters::Change::drop}}) {
    operations.push_back({"POST", path, Scope::operate,
                          [services, change](const Call& call) { change_dead_letters(services, call, change); },
                          Operation::Body::json});
  }
}

}  // namespace millrace::api
