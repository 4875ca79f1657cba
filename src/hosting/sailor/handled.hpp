#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "component/action.hpp"
#include "hosting/sailor/amqp_peer.hpp"
#include "hosting/sailor/cipher.hpp"

namespace millrace::hosting::sailor {

/// The routing keys that a component is told to publish with.
namespace keys {
inline constexpr const char* data = "data";
inline constexpr const char* error = "error";
inline constexpr const char* rebound = "rebound";
inline constexpr const char* snapshot = "snapshot";
}  // namespace keys

/// Where a body stands that is not in its message.
struct Reference {
  std::size_t emission = 0;  ///< its place among the emissions, until the next page
  std::string object;
};

/// What a component has done with one message so far, gathered from what it published; in the end one Outcome.
class Handled {
 public:
  /// Takes what was published while this message, whose caller waits at `reply_to` (or nobody), was in hand.
  /// `step_snapshot` is the step's position as the component knows it, which updateSnapshot adds to. A message whose
  /// body is in the object storage is not whole: what is said of it then wants put().
  std::optional<Reference> add(const Published& published, const Cipher& cipher, const std::string& reply_to,
                               std::string& step_snapshot);

  void put(const Reference& reference, std::string body);

  /// How much has gathered, in bytes.
  std::uint64_t size() const { return size_; }
  const std::vector<component::Emission>& emissions() const { return emissions_; }
  bool has_failed() const { return failure_.has_value(); }
  /// What has gathered, to take effect before the message is done with.
  component::Outcome page();
  /// The last word, once the component has acknowledged the message or rejected it.
  component::Outcome outcome(bool acknowledged);

 private:
  std::optional<Reference> add_data(std::string_view text, const Published& published, const std::string& reply_to);
  std::optional<Reference> add_message(const Published& published, const Cipher& cipher, const std::string& reply_to);
  void add_failure(const Published& published, const Cipher& cipher);
  void add_snapshot(const Published& published, std::string& step_snapshot);
  void emit(component::Emission emission);

  std::vector<component::Emission> emissions_;
  std::optional<std::string> snapshot_;
  std::optional<component::Failure> failure_;
  std::optional<std::string> rebound_;
  bool storage_failed_ = false;  ///< among what failed: it may work later
  std::uint64_t size_ = 0;
};

/// The body that a component published, decrypted by its protocol version.
Result<std::string> body_of(const Published& published, const Cipher& cipher);

}  // namespace millrace::hosting::sailor
