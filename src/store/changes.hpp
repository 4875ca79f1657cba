#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// What others that share the store have to look at again: what a flow, the startups, a credential came to be is in
/// their own tables. Numbers count up in the order in which changes are committed, so who has seen one has seen all
/// before it.
class Changes {
 public:
  explicit Changes(Database& database) : database_(database) {}

  /// "flow/NAME", "credential/NAME", "startups". In the transaction that makes the change.
  Status note(const std::string& subject);
  /// The number of the last one.
  Result<std::int64_t> last();

  struct Subject {
    std::string name;
    std::int64_t number = 0;  ///< of its last change
  };
  /// What has changed since the one with this number, in order.
  Result<std::vector<Subject>> since(std::int64_t number);

 private:
  Database& database_;
};

}  // namespace millrace::store
