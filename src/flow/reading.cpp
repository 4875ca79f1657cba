#include "flow/reading.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/nearest.hpp"
#include "flow/variables.hpp"

namespace millrace::flow {

void Reading::problem(std::size_t offset, std::string field, std::string message, std::string mend) {
  problems_.push_back(Problem{source_.position(offset), std::move(field), std::move(message), std::move(mend)});
}

Problems Reading::take_problems() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  return std::exchange(problems_, {});
}

void Reading::check_keys(const Node& mapping, const std::string& path, const std::vector<std::string>& known) {
  check_repeats(mapping, path);
  for (const Node::Entry& entry : mapping.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    problem(entry.key_offset, join(path, entry.key), "unknown field", suggestion(entry.key, known));
  }
}

void Reading::check_repeats(const Node& mapping, const std::string& path) {
  for (std::size_t i = 1; i < mapping.entries.size(); ++i) {
    const Node::Entry& entry = mapping.entries[i];
    const auto end = mapping.entries.begin() + static_cast<std::ptrdiff_t>(i);
    const auto first =
        std::find_if(mapping.entries.begin(), end, [&](const Node::Entry& e) { return e.key == entry.key; });
    if (first == end) continue;
    problem(entry.key_offset, join(path, entry.key),
            fmt::format("stands here a second time, first in line {}", source_.position(first->key_offset).line),
            "keep one of them");
  }
}

std::optional<Reading::Scalar> Reading::scalar(const Node& node, const std::string& field) {
  Replaced replaced = replace_variables(node.text, variables_);
  for (auto& trouble : replaced.troubles) {
    problem(offset_inside(source_, node, trouble.offset), field, std::move(trouble.message), std::move(trouble.mend));
  }
  if (!replaced.troubles.empty()) return std::nullopt;
  return Scalar{std::move(replaced.text), replaced.changed};
}

std::string join(const std::string& path, std::string_view name) {
  std::string out = path;
  if (!out.empty()) out += '.';
  return out.append(name);
}

}  // namespace millrace::flow
