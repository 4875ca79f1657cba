#include "api/installations.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "core/id.hpp"
#include "core/log.hpp"
#include "deployment/component_use.hpp"
#include "store/audit.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kept_max = 100;

}  // namespace

std::string Installations::begin(installed::Order order, const deployment::Change& change,
                                 std::function<void()> ended) {
  if (all_.size() >= kept_max) all_.pop_front();
  const auto id = random_id();
  all_.push_back({.id = id, .source = order.source.text(), .stage = "beginning"});
  installer_.install(
      std::move(order),
      [this, id](std::string_view stage) {
        if (auto* one = known(id)) one->stage = std::string(stage);
      },
      [this, id, change, ended = std::move(ended)](const Result<const installed::Installation*>& result) {
        finish(id, result, change);
        ended();
      });
  return id;
}

const Installations::One* Installations::known(std::string_view id) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const One& one) { return one.id == id; });
  return found == all_.end() ? nullptr : &*found;
}

Installations::One* Installations::known(std::string_view id) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const One& one) { return one.id == id; });
  return found == all_.end() ? nullptr : &*found;
}

void Installations::finish(const std::string& id, const Result<const installed::Installation*>& result,
                           const deployment::Change& change) {
  auto* one = known(id);
  if (!result) {
    if (one != nullptr) one->error = result.error().message;
    return;
  }
  const auto& installation = **result;
  if (one != nullptr) {
    one->component = installation.name;
    one->version = installation.record.version;
    one->notes = installation.notes();
  }
  audit("component.add", installation.name, "",
        fmt::format("{} {}", installation.record.source, installation.record.version), change);
  if (added_) added_();
}

void Installations::audit(const std::string& action, const std::string& component, const std::string& before,
                          const std::string& after, const deployment::Change& change) {
  store_.run<Done>(
      [entry = store::AuditEntry{0, change.at, change.who, action, "component/" + component, before, after}](
          store::Database& database) { return store::Audit(database).write(entry); },
      [action](const Result<Done>& written) {
        if (!written)
          log::error("the audit log was not written", {{"action", action}, {"reason", written.error().message}});
      });
}

std::optional<json::object> Installations::find(std::string_view id) const {
  const auto* one = known(id);
  if (one == nullptr) return std::nullopt;
  json::object object{{"id", one->id},         {"source", one->source},
                      {"state", "installing"}, {"stage", one->stage},
                      {"component", nullptr},  {"version", nullptr},
                      {"error", nullptr},      {"notes", json::array(one->notes.begin(), one->notes.end())}};
  if (!one->component.empty()) {
    object["state"] = "installed";
    object["component"] = one->component;
    if (!one->version.empty()) object["version"] = one->version;
  }
  if (!one->error.empty()) {
    object["state"] = "failed";
    object["error"] = one->error;
  }
  return object;
}

void Installations::remove(const std::string& component, const deployment::Change& change,
                           std::function<void(Status)> removed) {
  store_.run<Done>([component](store::Database& database) { return deployment::check_unused(database, component); },
                   [this, component, change, removed = std::move(removed)](const Result<Done>& unused) {
                     if (!unused) return removed(unused.error());
                     auto gone = installer_.remove(component);
                     if (gone) audit("component.remove", component, component, "", change);
                     removed(std::move(gone));
                   });
}

}  // namespace millrace::api
