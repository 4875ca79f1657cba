#include "flow/flow.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace millrace::flow {

const Step& Flow::trigger() const {
  const auto found = std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.is_trigger; });
  MILLRACE_CHECK(found != steps.end(), "a validated flow has a trigger");
  return *found;
}

const Step* Flow::find(std::string_view id) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.id == id; });
  return found == steps.end() ? nullptr : &*found;
}

std::vector<std::string> Flow::successors(std::string_view id) const {
  std::vector<std::string> out;
  for (const Step& step : steps) {
    if (std::find(step.after.begin(), step.after.end(), id) != step.after.end()) out.push_back(step.id);
  }
  return out;
}

std::string Problem::to_string() const {
  std::string out = at.file;
  if (at.line > 0) out += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  if (!field.empty()) out += (out.empty() ? "" : ": ") + field;
  out += (out.empty() ? "" : ": ") + message;
  if (!mend.empty()) out += " (" + mend + ")";
  return out;
}

}  // namespace millrace::flow
