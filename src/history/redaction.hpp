#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::history {

/// Takes secrets out of JSON text before it is recorded: the value of each member with one of the names becomes the
/// text "[redacted]", whatever it was.
///
/// A name ("iban") means members of that name anywhere, without regard to case, - and _ ("apiKey", "api-key" and
/// "API_KEY" are one). A path ("body.customer.email") means the members it leads to from the top of the message,
/// through lists; its parts are compared exactly. The usual names are always meant: password, passwd, secret, token,
/// authorization, cookie, set-cookie, api-key and their kin (usual_names). One pass over the text, no document is
/// built.
class Redaction {
 public:
  static constexpr std::size_t paths_max = 16;
  static constexpr std::size_t parts_max = 64;  ///< of all paths together

  explicit Redaction(const std::vector<std::string>& names_and_paths);
  static const std::vector<std::string_view>& usual_names();

  /// Appends `json`, which is valid JSON, to `to` without the secrets. Whether there were any.
  bool apply(std::string_view json, std::string& to) const;

 private:
  friend class RedactionPass;
  struct Part {
    std::string name;
    bool last = false;
  };
  bool is_named(std::string_view key) const;

  std::vector<std::string> names_;  ///< folded, sorted
  std::size_t longest_ = 0;
  std::vector<Part> parts_;   ///< of all paths, one after another
  std::uint64_t firsts_ = 0;  ///< bits of the parts that begin a path
};

}  // namespace millrace::history
