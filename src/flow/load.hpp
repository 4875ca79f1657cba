#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "core/result.hpp"
#include "flow/flow.hpp"

namespace millrace::flow {

/// Value of `${NAME}`, or nullopt if it is not set.
using Variables = std::function<std::optional<std::string>(std::string_view name)>;

using Problems = std::vector<Problem>;

/// Reads, checks and completes the flows of several files (YAML or JSON; a file may hold several YAML documents). All
/// problems of all files are reported together. Checks: form, unknown fields (with the nearest known name), graph,
/// config against the component's descriptor, JSONata, and across files: flow names and webhook paths are unique.
/// `otherwise`: what a platform says of running where a flow says nothing; it counts in what may be said together.
Result<std::vector<Flow>, Problems> load_files(const std::vector<std::string>& paths,
                                               const component::Catalogue& catalogue, const Variables& variables,
                                               const Running& otherwise = {});
/// The same for text already in memory; `file` is the name used in problems.
Result<std::vector<Flow>, Problems> load_text(std::string_view text, const std::string& file,
                                              const component::Catalogue& catalogue, const Variables& variables,
                                              const Running& otherwise = {});

/// A flow's document as it is written, by its name.
struct NamedText {
  std::string name;
  std::string text;
};
/// The flows of a text, told apart and not checked: what is needed to send them to a platform that will check them.
Result<std::vector<NamedText>, Problem> flows_in(std::string_view text, const std::string& file);

/// Reads `NAME=value` lines (comments with #, quotes as in a shell) of an --env-file.
Result<std::vector<std::pair<std::string, std::string>>> read_env_file(const std::string& path);

}  // namespace millrace::flow
