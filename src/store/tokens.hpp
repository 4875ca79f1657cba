#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// Who may use the API, and for what. The secret itself is nowhere: only its digest is stored.
struct Token {
  std::string id;    ///< stands in the token's text as well: "millrace_<id>_<secret>"
  std::string name;  ///< for people and for the audit log
  std::vector<std::string> scopes;
  std::string created_by;
  std::int64_t created_at = 0;  ///< ms since the Unix epoch
  std::optional<std::int64_t> expires_at = {};
};

/// A token and the only time that its text is known.
struct NewToken {
  Token token;
  std::string text;
};

class Tokens {
 public:
  explicit Tokens(Database& database) : database_(database) {}

  /// Makes one; its id, text and digest are made here. Its other members are as given.
  Result<NewToken> create(Token token);
  /// The token whose text this is. Error::permission, the same for all of them: malformed, unknown, wrong secret,
  /// expired.
  Result<Token> find(std::string_view text, std::int64_t now);
  /// In the order of their ids, after `after`.
  Result<std::vector<Token>> list(const std::string& after, std::int64_t limit);
  Result<bool> any();
  /// Error::not_found. Returns what was removed.
  Result<Token> remove(const std::string& id);

 private:
  Database& database_;
};

}  // namespace millrace::store
