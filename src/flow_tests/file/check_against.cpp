#include <algorithm>

#include <fmt/format.h>

#include "core/nearest.hpp"
#include "flow/reading.hpp"
#include "flow_tests/file/read_file.hpp"

namespace millrace::flow_tests {
using component::Descriptor;
using flow::join;
using flow::Problem;
using flow::Problems;

namespace {

/// Holds the names of steps in a test file against the flow's.
class FlowCheck {
 public:
  FlowCheck(const TestFile& file, const flow::Flow& flow, const component::Catalogue& catalogue)
      : file_(file), flow_(flow), catalogue_(catalogue) {
    for (const auto& step : flow.steps) ids_.push_back(step.id);
  }

  Problems problems() {
    for (const auto& one : file_.cases) {
      for (const auto& stub : one.stubs) {
        if (!stub.step.empty()) check_step(stub.step, stub.offset, join(stub.wanted.path, "step"));
      }
      for (const auto& stand_in : one.stand_ins) check(stand_in);
      for (const auto& given : one.given) check(given);
      check_images(one);
      for (const auto& step : one.expect.steps) check(step);
    }
    return std::move(problems_);
  }

 private:
  void add(std::size_t offset, std::string field, std::string message, std::string mend) {
    Problem problem{file_.source->position(offset), std::move(field), std::move(message), std::move(mend)};
    const auto same = [&](const Problem& other) { return other.to_string() == problem.to_string(); };
    if (std::ranges::none_of(problems_, same)) problems_.push_back(std::move(problem));
  }

  void check_step(const std::string& step, std::size_t offset, std::string field) {
    if (flow_.find(step) != nullptr) return;
    add(offset, std::move(field), fmt::format("the flow {} has no step \"{}\"", flow_.name, step),
        suggestion(step, ids_));
  }

  void check(const StandIn& stand_in) {
    check_step(stand_in.step, stand_in.offset, "stubs.step");
    const auto* step = flow_.find(stand_in.step);
    if (step == nullptr || !step->is_trigger) return;
    add(stand_in.offset, "stubs.step", fmt::format("\"{}\" is the flow's trigger", step->id), "stand in for an action");
  }

  /// What only an image knows cannot be run here.
  void check_images(const Case& one) {
    for (const auto& step : flow_.steps) {
      if (catalogue_.find(step.function) != nullptr) continue;
      if (std::ranges::find(one.stand_ins, step.id, &StandIn::step) != one.stand_ins.end()) continue;
      add(one.offset, join(one.path, "stubs"),
          fmt::format("the step {} needs a stand-in: {} is known to its image alone", step.id, step.function),
          fmt::format("add - step: {}, with output: JSONata over the message", step.id));
    }
  }

  void check(const ExpectedStep& expected) {
    check_step(expected.step, expected.offset, expected.path);
    const auto* step = flow_.find(expected.step);
    const auto* function = step == nullptr ? nullptr : catalogue_.find(step->function);
    if (function == nullptr || function->descriptor.has_worker()) return;
    const auto after = flow_.successors(step->id);
    add(expected.offset, expected.path, fmt::format("\"{}\" is run by the platform itself", step->id),
        fmt::format("expect the inputs of the step after it: {}: {{ inputs: … }}", after.front()));
  }

  void check(const Given& given) {
    const auto kind = catalogue_.find(flow_.trigger().function)->descriptor.kind;
    if (const auto* message = std::get_if<GivenMessage>(&given.what)) {
      check_step(message->step, given.offset, join(given.path, "message.step"));
      const auto* step = flow_.find(message->step);
      if (step != nullptr && step->is_trigger) {
        add(given.offset, join(given.path, "message.step"), fmt::format("\"{}\" is the flow's trigger", message->step),
            "name an action, or give the trigger a webhook or ticks");
      }
    } else if (std::holds_alternative<GivenRequest>(given.what) && kind != Descriptor::Kind::webhook_trigger) {
      add(given.offset, join(given.path, "webhook"), fmt::format("the flow's trigger is {}", flow_.trigger().function),
          "give it ticks");
    } else if (std::holds_alternative<GivenTicks>(given.what) && kind == Descriptor::Kind::webhook_trigger) {
      add(given.offset, join(given.path, "ticks"), fmt::format("the flow's trigger is {}", flow_.trigger().function),
          "give it a webhook");
    }
  }

  const TestFile& file_;
  const flow::Flow& flow_;
  const component::Catalogue& catalogue_;
  std::vector<std::string> ids_;
  Problems problems_;
};

}  // namespace

Problems check_against(const TestFile& file, const flow::Flow& flow, const component::Catalogue& catalogue) {
  return FlowCheck(file, flow, catalogue).problems();
}

}  // namespace millrace::flow_tests
