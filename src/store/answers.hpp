#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/database.hpp"

namespace millrace::store {

/// What was answered to a POST with an Idempotency-Key.
struct KeptAnswer {
  std::string request;  ///< digest of method, path and body
  int status = 0;
  std::string body;
};

/// Answers that are given again when a request comes again
/// (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/), for a day.
class Answers {
 public:
  static constexpr std::int64_t kept_for = 86'400'000;  ///< ms

  explicit Answers(Database& database) : database_(database) {}

  Result<std::optional<KeptAnswer>> find(const std::string& who, const std::string& key, std::int64_t now);
  /// Keeps one, and forgets those that are too old. The first that was kept for a key stays.
  Status keep(const std::string& who, const std::string& key, const KeptAnswer& answer, std::int64_t now);

 private:
  Database& database_;
};

}  // namespace millrace::store
