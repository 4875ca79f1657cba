#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/database.hpp"

namespace millrace::store {

/// The message of a queue that keeps only its last one, where the broker does not keep it (rabbitmq::LastValues).
struct LastValue {
  std::string queue;
  std::string exchange;
  std::string routing_key;
  std::string properties;  ///< as on the wire
  std::string body;
  /// Messages that were committed with it and may not be published yet, in the form of rabbitmq::LastValues; or empty.
  std::string pending;
  std::int64_t revision = 0;  ///< counts what the queue has had
};

class LastValues {
 public:
  explicit LastValues(Database& database) : database_(database) {}

  Result<std::optional<LastValue>> find(const std::string& queue);
  /// In the place of the one before; its new revision.
  Result<std::int64_t> put(const LastValue& value);
  /// What was pending at this revision is published. Also if there is another one by now.
  Status published(const std::string& queue, std::int64_t revision);
  /// Also if there is none.
  Status remove(const std::string& queue);

 private:
  Database& database_;
};

}  // namespace millrace::store
