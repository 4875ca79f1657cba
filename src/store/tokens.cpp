#include "store/tokens.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include "core/id.hpp"

namespace millrace::store {
namespace {

constexpr std::string_view prefix = "millrace_";
constexpr std::size_t id_size = 12;

/// The secret has 192 random bits: a digest that is made quickly cannot be tried through.
std::string digest_of(std::string_view secret) {
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), nullptr, 0);
  return digest;
}

bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) found.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

Token read(const Row& row) {
  Token token{row[0].text(), row[1].text(), words(row[2].text()), row[3].text(), row[4].integer()};
  if (!row[5].is_null()) token.expires_at = row[5].integer();
  return token;
}

}  // namespace

Result<NewToken> Tokens::create(Token token) {
  token.id = random_token(id_size / 2);
  const auto secret = random_token(24);
  const auto expiry = token.expires_at ? Value(*token.expires_at) : Value();
  const auto done = database_.execute(
      "INSERT INTO tokens (id, name, scopes, digest, created_by, created_at, expires_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
      {token.id, token.name, fmt::format("{}", fmt::join(token.scopes, " ")), Bytes{digest_of(secret)},
       token.created_by, token.created_at, expiry});
  if (!done) return done.error();
  auto text = fmt::format("{}{}_{}", prefix, token.id, secret);
  return NewToken{std::move(token), std::move(text)};
}

Result<Token> Tokens::find(std::string_view text, std::int64_t now) {
  const Error refused{Error::Kind::permission, "no such token, or its time is over"};
  if (!text.starts_with(prefix)) return refused;
  text.remove_prefix(prefix.size());
  if (text.size() < id_size + 2 || text[id_size] != '_') return refused;
  const auto found =
      database_.execute("SELECT id, name, scopes, created_by, created_at, expires_at, digest FROM tokens WHERE id = $1",
                        {text.substr(0, id_size)});
  if (!found) return found.error();
  const auto digest = digest_of(text.substr(id_size + 1));
  if (found->empty() || !equal(found->rows[0][6].text(), digest)) return refused;
  auto token = read(found->rows[0]);
  if (token.expires_at && *token.expires_at <= now) return refused;
  return token;
}

Result<std::vector<Token>> Tokens::list(const std::string& after, std::int64_t limit) {
  const auto found = database_.execute(
      "SELECT id, name, scopes, created_by, created_at, expires_at FROM tokens WHERE id > $1 ORDER BY id LIMIT $2",
      {after, limit});
  if (!found) return found.error();
  std::vector<Token> tokens;
  for (const auto& row : found->rows) tokens.push_back(read(row));
  return tokens;
}

Result<bool> Tokens::any() {
  const auto found = database_.execute("SELECT 1 FROM tokens LIMIT 1");
  if (!found) return found.error();
  return !found->empty();
}

Result<Token> Tokens::remove(const std::string& id) {
  const auto gone = database_.execute(
      "DELETE FROM tokens WHERE id = $1 RETURNING id, name, scopes, created_by, created_at, expires_at", {id});
  if (!gone) return gone.error();
  if (gone->empty()) return Error{Error::Kind::not_found, fmt::format("there is no token {}", id)};
  return read(gone->rows[0]);
}

}  // namespace millrace::store
