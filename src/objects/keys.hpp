#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "objects/access.hpp"

namespace millrace::objects {

/// The access of each flow, all made from one secret (HMAC-SHA-256), so that nothing is to be kept and what was stored
/// before a restart can be read after it.
class Keys {
 public:
  /// The secret: 32 random bytes, in any form.
  explicit Keys(std::string secret) : secret_(std::move(secret)) {}

  Access access(const std::string& flow) const;

  /// Whose token this is: one as Access has it, or a JWT (RFC 7519) that is signed with it (HS256) and not expired at
  /// `now`, seconds since the Unix epoch. Takes as long whatever is wrong. `flows`: those there are.
  std::optional<std::string> flow_of(std::string_view token, const std::vector<std::string>& flows,
                                     std::int64_t now) const;

 private:
  std::string derived(std::string_view purpose, std::string_view flow) const;

  const std::string secret_;
};

}  // namespace millrace::objects
