#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// A trigger whose startup hook has run and whose shutdown hook has not.
struct StartupRecord {
  std::string flow;
  std::int64_t version = 0;
  std::string data;     ///< JSON: what the one leaves for the other
  bool ending = false;  ///< the shutdown hook has begun
};

class Startups {
 public:
  explicit Startups(Database& database) : database_(database) {}

  Result<std::vector<StartupRecord>> all();
  /// Error::conflict if that version of the flow has one.
  Status add(const StartupRecord& record);
  /// The shutdown hook begins.
  Status end(const std::string& flow, std::int64_t version);
  /// Also if there is none.
  Status remove(const std::string& flow, std::int64_t version);

 private:
  Database& database_;
};

}  // namespace millrace::store
