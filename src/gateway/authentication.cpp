#include "gateway/authentication.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include <boost/url/encode.hpp>
#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <sodium.h>

#include "gateway/media_type.hpp"

namespace millrace::gateway {
namespace {

using Bytes = std::string;

Error refused(std::string message) {
  return {Error::Kind::permission, std::move(message)};
}

bool same(std::string_view a, std::string_view b) {
  // Lengths are no secret; the hash makes unequal lengths cost the same.
  std::array<unsigned char, 32> left;
  std::array<unsigned char, 32> right;
  crypto_generichash(left.data(), left.size(), reinterpret_cast<const unsigned char*>(a.data()), a.size(), nullptr, 0);
  crypto_generichash(right.data(), right.size(), reinterpret_cast<const unsigned char*>(b.data()), b.size(), nullptr,
                     0);
  return sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::optional<Bytes> from_base64(std::string_view text) {
  Bytes bytes(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

Bytes hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  for (const auto part : parts) {
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }
  Bytes mac(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(mac.data()));
  return mac;
}

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// The scheme's name in any case, and spaces (RFC 9110 §11.4).
bool skip_scheme(std::string_view& text, std::string_view scheme) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos || lower(text.substr(0, space)) != scheme) return false;
  text = trimmed(text.substr(space));
  return true;
}

std::string_view next_word(std::string_view& text) {
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

Status check_basic(const Guard& guard, std::string_view authorization) {
  const auto shown = skip_scheme(authorization, "basic") ? from_base64(authorization) : std::nullopt;
  if (!shown) return refused("this webhook asks for a user and a password (Basic authentication)");
  if (!same(*shown, guard.username + ":" + guard.secret)) return refused("the user or the password is wrong");
  return Done{};
}

Status check_bearer(const Guard& guard, std::string_view authorization) {
  if (!skip_scheme(authorization, "bearer")) return refused("this webhook asks for a bearer token");
  if (!same(authorization, guard.secret)) return refused("the bearer token is wrong");
  return Done{};
}

/// The first value of a query parameter, decoded; nullopt if there is none.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  const auto parsed = boost::urls::parse_query(query);
  if (!parsed) return std::nullopt;
  const boost::urls::params_view parameters(*parsed);
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::nullopt : std::optional<std::string>((*found).value);
}

Status check_key(const Guard& guard, const io::posix::HttpRequest& request) {
  const auto shown = guard.header.empty() ? query_parameter(request.query, guard.query)
                                          : std::optional<std::string>(request.header(guard.header));
  const auto place = guard.header.empty() ? "query parameter " + guard.query : "header " + guard.header;
  if (!shown || shown->empty()) return refused("this webhook asks for a key in the " + place);
  if (!same(*shown, guard.secret)) return refused("the key in the " + place + " is wrong");
  return Done{};
}

Status check_signature(const Guard& guard, const io::posix::HttpRequest& request, io::WallTime now) {
  const auto id = request.header("webhook-id");
  const auto timestamp = request.header("webhook-timestamp");
  auto signatures = request.header("webhook-signature");
  if (id.empty() || timestamp.empty() || signatures.empty()) {
    return refused("this webhook asks for the headers webhook-id, webhook-timestamp and webhook-signature");
  }
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  const bool numeric = failure == std::errc{} && end == timestamp.data() + timestamp.size();
  const auto age =
      now.time_since_epoch() - std::chrono::seconds(numeric ? std::clamp<std::int64_t>(seconds, 0, 1LL << 40) : 0);
  if (!numeric || age > guard.tolerance || age < -guard.tolerance) {
    return refused("webhook-timestamp is not a time in seconds close to now");
  }
  std::vector<Bytes> wanted;
  for (std::string_view secrets = guard.secret; !secrets.empty();) {
    auto encoded = next_word(secrets);
    skip(encoded, "whsec_");
    const auto key = from_base64(encoded);
    if (key && !key->empty()) wanted.push_back(hmac_sha256(*key, {id, ".", timestamp, ".", request.body}));
  }
  constexpr int signatures_max = 20;
  for (int i = 0; i < signatures_max && !signatures.empty(); ++i) {
    auto one = next_word(signatures);
    if (!skip(one, "v1,")) continue;
    const auto shown = from_base64(one);
    if (shown && std::ranges::any_of(wanted, [&](const Bytes& mac) { return same(*shown, mac); })) return Done{};
  }
  return refused("no signature in webhook-signature fits the request");
}

Bytes to_base64(std::string_view bytes) {
  Bytes text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

void add_missing(io::posix::HttpRequest& request, const char* name, std::string value) {
  if (request.header(name).empty()) request.headers.emplace_back(name, std::move(value));
}

void sign(const Guard& guard, io::posix::HttpRequest& request, io::WallTime now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  add_missing(request, "webhook-timestamp", std::to_string(seconds));
  std::string_view secrets = guard.secret;
  auto encoded = next_word(secrets);
  skip(encoded, "whsec_");
  const auto key = from_base64(encoded).value_or("");
  const auto mac =
      hmac_sha256(key, {request.header("webhook-id"), ".", request.header("webhook-timestamp"), ".", request.body});
  add_missing(request, "webhook-signature", "v1," + to_base64(mac));
}

}  // namespace

void authorize(const Guard& guard, io::posix::HttpRequest& request, io::WallTime now) {
  switch (guard.auth) {
    case Guard::Auth::none:
      return;
    case Guard::Auth::basic:
      return add_missing(request, "authorization", "Basic " + to_base64(guard.username + ":" + guard.secret));
    case Guard::Auth::bearer:
      return add_missing(request, "authorization", "Bearer " + guard.secret);
    case Guard::Auth::api_key:
      if (!guard.header.empty()) return add_missing(request, guard.header.c_str(), guard.secret);
      if (!query_parameter(request.query, guard.query)) {
        request.query += (request.query.empty() ? "" : "&") + guard.query + "=" +
                         boost::urls::encode(guard.secret, boost::urls::unreserved_chars);
      }
      return;
    case Guard::Auth::hmac:
      return sign(guard, request, now);
  }
}

Status authenticate(const Guard& guard, const io::posix::HttpRequest& request, io::WallTime now) {
  switch (guard.auth) {
    case Guard::Auth::none:
      return Done{};
    case Guard::Auth::basic:
      return check_basic(guard, request.header("authorization"));
    case Guard::Auth::bearer:
      return check_bearer(guard, request.header("authorization"));
    case Guard::Auth::api_key:
      return check_key(guard, request);
    case Guard::Auth::hmac:
      return check_signature(guard, request, now);
  }
  return Done{};
}

}  // namespace millrace::gateway
