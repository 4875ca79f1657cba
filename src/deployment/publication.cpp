#include "deployment/publication.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/route.hpp"
#include "store/audit.hpp"

namespace millrace::deployment {
namespace {

constexpr const char* importer = "run";

std::string version_text(std::int64_t number) {
  return number == 0 ? std::string() : fmt::format("version {}", number);
}

Status import_file(store::Database& database, const flow::Flow& flow, std::int64_t now) {
  store::Flows flows(database);
  const auto known = flows.find(flow.name);
  if (!known && known.error().kind != Error::Kind::not_found) return known.error();
  const bool same = known && known->origin == "file" && known->draft == flow.source;
  if (!same) {
    const auto saved = flows.save({flow.name, flow.source, importer, "file", now}, std::nullopt);
    if (!saved) return saved.error();
  }
  const auto published = publish(database, publication_of(flow, flow.source), {importer, {}, now}, std::nullopt);
  if (!published) return published.error();
  if (published->flow.state != store::FlowState::stopped) return Done{};
  const auto started = set_state(database, flow.name, store::FlowState::running, "flow.start", {importer, {}, now});
  if (!started) return started.error();
  return Done{};
}

/// All flows, page by page.
Result<std::vector<store::FlowRecord>> all(store::Flows flows) {
  constexpr std::int64_t page = 1'000;
  std::vector<store::FlowRecord> found;
  for (;;) {
    auto more = flows.list(found.empty() ? "" : found.back().name, page);
    if (!more) return more.error();
    if (more->empty()) return found;
    std::ranges::move(*more, std::back_inserter(found));
  }
}

}  // namespace

Error stale(const store::FlowRecord& flow) {
  return {Error::Kind::stale, fmt::format("the draft of {} has changed meanwhile: it is at revision {}, saved by {}",
                                          flow.name, flow.revision, flow.saved_by)};
}

Result<flow::Flow, flow::Problems> check(const std::string& name, const std::string& text,
                                         const component::Catalogue& catalogue, const flow::Variables& variables,
                                         const flow::Running& otherwise) {
  auto flows = flow::load_text(text, name, catalogue, variables, otherwise);
  if (!flows) return flows.error();
  if (flows->size() > 1) {
    return flow::Problems{{{name}, "", "holds several flows", "deploy each by itself"}};
  }
  auto& flow = flows->front();
  if (flow.name != name) {
    return flow::Problems{{flow.at, "name", fmt::format("is \"{}\", but the flow is called \"{}\"", flow.name, name),
                           "give both the same name"}};
  }
  return std::move(flow);
}

store::Flows::Publication publication_of(const flow::Flow& flow, const std::string& text) {
  store::Flows::Publication publication;
  publication.name = flow.name;
  publication.source = text;
  constexpr std::int64_t any_version = 1;
  if (const auto route = gateway::make_route(flow, any_version)) {
    for (const auto& method : route->methods) publication.webhooks.push_back({route->path, method});
  }
  for (const auto& step : flow.steps) {
    if (!step.credential.empty()) publication.credentials.push_back({step.id, step.credential});
  }
  return publication;
}

Result<Published> publish(store::Database& database, store::Flows::Publication publication, const Change& change,
                          std::optional<std::int64_t> revision) {
  store::Flows flows(database);
  const auto known = flows.find(publication.name);
  if (!known) return known.error();
  if (revision && *revision != known->revision) return stale(*known);
  if (known->current > 0) {
    auto current = flows.version(known->name, known->current);
    if (!current) return current.error();
    auto in_use = flows.in_use(known->name);
    if (!in_use) return in_use.error();
    if (current->source == publication.source) return Published{std::move(*current), std::move(*in_use), false};
  }
  publication.comment = change.comment;
  publication.who = change.who;
  publication.at = change.at;
  auto version = flows.publish(publication);
  if (!version) return version.error();
  auto in_use = flows.in_use(known->name);
  if (!in_use) return in_use.error();
  const auto written = store::Audit(database).write({0, change.at, change.who, "flow.publish", "flow/" + known->name,
                                                     version_text(known->current), version_text(version->number)});
  if (!written) return written.error();
  return Published{std::move(*version), std::move(*in_use)};
}

Result<store::FlowInUse> set_state(store::Database& database, const std::string& flow, store::FlowState state,
                                   const std::string& action, const Change& change) {
  store::Flows flows(database);
  const auto known = flows.find(flow);
  if (!known) return known.error();
  if (known->state != state) {
    if (auto set = flows.set_state(flow, state); !set) return set.error();
    const auto written =
        store::Audit(database).write({0, change.at, change.who, action, "flow/" + flow,
                                      std::string(to_string(known->state)), std::string(to_string(state))});
    if (!written) return written.error();
  }
  return flows.in_use(flow);
}

Result<store::FlowInUse> set_scale(store::Database& database, const std::string& flow, const std::string& step,
                                   std::optional<std::uint32_t> instances, const Change& change) {
  store::Flows flows(database);
  const auto before = flows.set_scale(flow, step, instances);
  if (!before) return before.error();
  const auto text = [](const std::optional<std::uint32_t>& count) {
    return count ? fmt::format("{} instances", *count) : std::string("as its flow says");
  };
  if (*before != instances) {
    const auto written =
        store::Audit(database).write({0, change.at, change.who, "step.scale",
                                      fmt::format("flow/{}/step/{}", flow, step), text(*before), text(instances)});
    if (!written) return written.error();
  }
  return flows.in_use(flow);
}

Status import_files(store::Database& database, const std::vector<flow::Flow>& flows, std::int64_t now) {
  std::set<std::string> given;
  for (const auto& flow : flows) given.insert(flow.name);
  const auto known = all(store::Flows(database));
  if (!known) return known.error();
  for (const auto& flow : *known) {
    const bool over = flow.origin == "file" && !given.contains(flow.name) && flow.current > 0;
    if (!over || flow.state == store::FlowState::stopped || flow.state == store::FlowState::deleting) continue;
    const auto stopped = set_state(database, flow.name, store::FlowState::stopped, "flow.stop", {importer, {}, now});
    if (!stopped) return stopped.error();
  }
  for (const auto& flow : flows) {
    if (auto done = import_file(database, flow, now); !done) return done;
  }
  return Done{};
}

}  // namespace millrace::deployment
