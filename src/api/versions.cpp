#include <charconv>

#include <fmt/format.h>

#include "api/precondition.hpp"
#include "api/responses.hpp"
#include "api/services.hpp"
#include "core/text_diff.hpp"
#include "deployment/credential_check.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using deployment::Published;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;
using store::VersionRecord;

constexpr std::size_t comment_size_max = 1'000;

Result<std::int64_t> number_of(std::string_view text, std::string_view what) {
  std::int64_t number = 0;
  const auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed == std::errc() && stopped == text.data() + text.size() && number >= 1) return number;
  return Error{Error::Kind::invalid, fmt::format("{} must be the number of a version", what)};
}

json::object version_json(const VersionRecord& version, bool with_source) {
  json::object object = {{"flow", version.flow},
                         {"version", version.number},
                         {"state", to_string(version.state)},
                         {"comment", version.comment},
                         {"published_by", version.published_by},
                         {"published_at", version.published_at}};
  if (with_source) object["source"] = version.source;
  return object;
}

void list(const Services& services, const Call& call) {
  const auto limit = call.limit();
  if (!limit) return call.respond(problem(limit.error()));
  std::int64_t before = 0;
  if (const auto cursor = call.asked("cursor"); !cursor.empty()) {
    const auto number = number_of(cursor, "cursor");
    if (!number) return call.respond(problem(number.error()));
    before = *number;
  }
  using Versions = std::vector<VersionRecord>;
  services.store.run<Versions>(
      [name = call.path[0], before, limit = *limit](store::Database& database) {
        return store::Flows(database).versions(name, before, limit);
      },
      [respond = call.respond, limit = *limit](const Result<Versions>& versions) {
        if (!versions) return respond(problem(versions.error()));
        json::array items;
        for (const auto& version : *versions) items.push_back(version_json(version, false));
        const bool full = static_cast<std::int64_t>(versions->size()) == limit && versions->back().number > 1;
        respond(page(std::move(items), full ? std::to_string(versions->back().number) : ""));
      });
}

void show(const Services& services, const Call& call) {
  const auto number = number_of(call.path[1], "the last part of the path");
  if (!number) return call.respond(problem(number.error()));
  services.store.run<VersionRecord>(
      [name = call.path[0], number = *number](store::Database& database) {
        return store::Flows(database).version(name, number);
      },
      [respond = call.respond](const Result<VersionRecord>& version) {
        respond(version ? json_response(200, version_json(*version, true)) : problem(version.error()));
      });
}

struct Sides {
  std::string before;
  std::string before_name;
  std::string after;
  std::string after_name;
};

/// What `against` names: "draft", or the number of a version; nothing: the version before.
Result<Sides> sides(store::Database& database, const std::string& name, std::int64_t number,
                    const std::string& against) {
  store::Flows flows(database);
  const auto version = flows.version(name, number);
  if (!version) return version.error();
  const auto label = [&](std::int64_t of) { return fmt::format("{}@{}", name, of); };
  if (against == "draft") {
    const auto flow = flows.find(name);
    if (!flow) return flow.error();
    return Sides{version->source, label(number), flow->draft, name + " (draft)"};
  }
  if (against.empty() && number == 1) return Sides{"", "nothing", version->source, label(1)};
  const auto other_number = against.empty() ? Result<std::int64_t>(number - 1) : number_of(against, "against");
  if (!other_number) return other_number.error();
  const auto other = flows.version(name, *other_number);
  if (!other) return other.error();
  return Sides{other->source, label(*other_number), version->source, label(number)};
}

void diff(const Services& services, const Call& call) {
  const auto number = number_of(call.path[1], "the version in the path");
  if (!number) return call.respond(problem(number.error()));
  services.store.run<Sides>(
      [name = call.path[0], number = *number, against = call.asked("against")](store::Database& database) {
        return sides(database, name, number, against);
      },
      [respond = call.respond](const Result<Sides>& found) {
        if (!found) return respond(problem(found.error()));
        respond(json_response(200, json::object{{"before", found->before_name},
                                                {"after", found->after_name},
                                                {"diff", unified_diff(found->before, found->after, found->before_name,
                                                                      found->after_name)}}));
      });
}

struct Order {
  std::string name;
  std::string comment;
  std::optional<std::int64_t> from;      ///< a version that is published again
  std::optional<std::int64_t> revision;  ///< of the draft that the publisher has seen
};

Result<Order> read_order(const Call& call) {
  Order order{call.path[0], {}, {}, {}};
  for (const auto& [name, value] : call.body) {
    if (name == "comment" && value.is_string()) {
      order.comment = std::string(value.get_string());
    } else if (name == "from" && value.is_int64() && value.get_int64() >= 1) {
      order.from = value.get_int64();
    } else {
      return Error{Error::Kind::invalid,
                   fmt::format("\"{}\": \"comment\" (text) and \"from\" (the number of a version) "
                               "are known",
                               std::string_view(name))};
    }
  }
  if (order.comment.size() > comment_size_max) {
    return Error{Error::Kind::invalid, fmt::format("a comment may have {} bytes", comment_size_max)};
  }
  const auto precondition = precondition_of(call.request);
  if (!precondition) return precondition.error();
  order.revision = precondition->revision;
  return order;
}

/// The text that shall be published, and the revision of the draft that goes with it.
struct Text {
  std::string text;
  std::int64_t revision = 0;
};

Result<Text> text_of(store::Database& database, const Order& order) {
  store::Flows flows(database);
  const auto flow = flows.find(order.name);
  if (!flow) return flow.error();
  const auto revision = order.revision.value_or(flow->revision);
  if (revision != flow->revision) return deployment::stale(*flow);
  if (!order.from) return Text{flow->draft, revision};
  const auto version = flows.version(order.name, *order.from);
  if (!version) return version.error();
  return Text{version->source, revision};
}

HttpResponse invalid(const flow::Problems& problems) {
  json::array all;
  for (const auto& one : problems) all.push_back(problem_json(one));
  json::object body = {{"status", 422},
                       {"title", "Unprocessable content"},
                       {"detail", "the flow is not valid: " + problems.front().to_string()},
                       {"problems", std::move(all)}};
  return {422, "application/problem+json", json::serialize(body), {}};
}

struct PublishedOrNot {
  std::optional<Published> published = {};
  flow::Problems problems = {};  ///< why it is not
};

Result<PublishedOrNot> publish(store::Database& database, const Order& order, const Text& text, const flow::Flow& flow,
                               const std::vector<deployment::CredentialNeed>& needs, const deployment::Change& change) {
  auto problems = deployment::credential_problems(database, needs);
  if (!problems) return problems.error();
  if (!problems->empty()) return PublishedOrNot{{}, std::move(*problems)};
  auto published = deployment::publish(database, deployment::publication_of(flow, text.text), change, text.revision);
  if (!published) return published.error();
  if (!order.from) return PublishedOrNot{std::move(*published)};
  const auto saved = store::Flows(database).save({order.name, text.text, change.who, "api", change.at}, std::nullopt);
  if (!saved) return saved.error();
  return PublishedOrNot{std::move(*published)};
}

void respond_with(const Published& published, const Respond& respond) {
  auto response = json_response(published.is_new ? 201 : 200, version_json(published.version, true));
  if (published.is_new) {
    response.headers.emplace_back(
        "Location", fmt::format("/v1/flows/{}/versions/{}", published.version.flow, published.version.number));
  }
  respond(std::move(response));
}

void check_and_publish(const Services& services, const Order& order, const Text& text, deployment::Change change,
                       const Respond& respond) {
  const auto checked =
      deployment::check(order.name, text.text, services.catalogue, services.variables, services.running);
  if (!checked) return respond(invalid(checked.error()));
  change.comment = order.comment.empty() && order.from ? fmt::format("version {} again", *order.from) : order.comment;
  services.store.run<PublishedOrNot>(
      [order, text, flow = *checked, needs = deployment::credential_needs(*checked, services.catalogue),
       change](store::Database& database) { return publish(database, order, text, flow, needs, change); },
      [services, respond](const Result<PublishedOrNot>& done) {
        if (!done) return respond(problem(done.error()));
        if (!done->published) return respond(invalid(done->problems));
        services.deployments.follow(done->published->flow);
        respond_with(*done->published, respond);
      });
}

void create(const Services& services, const Call& call) {
  const auto order = read_order(call);
  if (!order) return call.respond(problem(order.error()));
  services.store.run<Text>([order = *order](store::Database& database) { return text_of(database, order); },
                           [services, order = *order, change = services.change(call.caller),
                            respond = call.respond](const Result<Text>& text) {
                             if (!text) return respond(problem(text.error()));
                             check_and_publish(services, order, *text, change, respond);
                           });
}

}  // namespace

void add_version_operations(Operations& operations, const Services& services) {
  const auto add = [&](const char* method, const char* path, Scope scope, auto what,
                       std::vector<std::string_view> query) {
    operations.push_back({method, path, scope, [services, what](const Call& call) { what(services, call); },
                          Operation::Body::none, std::move(query), 0});
  };
  add("GET", "/v1/flows/{flow}/versions", Scope::flows_read, list, {"cursor", "limit"});
  add("POST", "/v1/flows/{flow}/versions", Scope::flows_write, create, {});
  operations.back().body = Operation::Body::json;
  operations.back().body_max = 64u << 10;
  add("GET", "/v1/flows/{flow}/versions/{version}", Scope::flows_read, show, {});
  add("GET", "/v1/flows/{flow}/versions/{version}/diff", Scope::flows_read, diff, {"against"});
}

}  // namespace millrace::api
