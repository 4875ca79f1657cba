#include "deployment/deployed.hpp"

#include <utility>

namespace millrace::deployment {

const Version* Flow::current() const {
  if (versions.empty() || versions.rbegin()->second.stage != Version::Stage::current) return nullptr;
  return &versions.rbegin()->second;
}

const Flow* Deployed::find(const std::string& flow) const {
  const auto known = flows_.find(flow);
  return known == flows_.end() ? nullptr : &known->second;
}

const Version* Deployed::find(const std::string& flow, std::int64_t version) const {
  const auto* known = find(flow);
  if (known == nullptr) return nullptr;
  const auto found = known->versions.find(version);
  return found == known->versions.end() ? nullptr : &found->second;
}

const flow::WorkerPlan* Deployed::worker(std::string_view queue) const {
  const auto known = workers_.find(std::string(queue));
  return known == workers_.end() ? nullptr : known->second;
}

std::vector<const flow::Plan*> Deployed::plans() const {
  std::vector<const flow::Plan*> plans;
  for (const auto& [name, flow] : flows_) {
    for (const auto& [number, version] : flow.versions) {
      if (version.runs()) plans.push_back(&version.plan);
    }
  }
  return plans;
}

Flow& Deployed::add(const std::string& flow) {
  auto& added = flows_[flow];
  added.name = flow;
  return added;
}

Version& Deployed::add(Flow& flow, Version version) {
  const auto number = version.number;
  auto& added = flow.versions.insert_or_assign(number, std::move(version)).first->second;
  for (const auto& worker : added.plan.workers) workers_[worker.queue()] = &worker;
  return added;
}

void Deployed::remove(Flow& flow, std::int64_t version) {
  const auto known = flow.versions.find(version);
  if (known == flow.versions.end()) return;
  for (const auto& worker : known->second.plan.workers) workers_.erase(worker.queue());
  flow.versions.erase(known);
}

void Deployed::remove(const std::string& flow) {
  const auto known = flows_.find(flow);
  if (known == flows_.end()) return;
  while (!known->second.versions.empty()) remove(known->second, known->second.versions.begin()->first);
  flows_.erase(known);
}

}  // namespace millrace::deployment
