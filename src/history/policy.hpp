#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::history {

/// What of a flow's executions is recorded.
struct Policy {
  enum class Record {
    none,     ///< nothing
    errors,   ///< what failed or has to be tried again, with the message
    sampled,  ///< a fraction of the executions whole, of the others the errors
    full,     ///< every execution, whole
  };
  Record record = Record::full;
  double fraction = 1;                   ///< of `sampled`: 0 to 1
  std::vector<std::string> redact = {};  ///< members whose values are not recorded, beside the usual (Redaction)

  /// Whether all steps of this execution are recorded. The same for every step and worker: its id decides.
  bool whole(std::string_view execution) const;
  /// Whether what fails is recorded.
  bool errors() const { return record != Record::none; }
};

/// "none", "errors", "sampled", "full".
std::string_view to_string(Policy::Record record);
std::optional<Policy::Record> record_of(std::string_view text);

}  // namespace millrace::history
