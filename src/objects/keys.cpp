#include "objects/keys.hpp"

#include <array>

#include <boost/json/parse.hpp>
#include <sodium.h>

namespace millrace::objects {
namespace {

using Mac = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

Mac hmac(std::string_view key, std::string_view text) {
  Mac mac;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  return mac;
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Base64url without padding (RFC 7515 §2).
std::string base64url(const Mac& mac) {
  std::string text(sodium_base64_encoded_len(mac.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), mac.data(), mac.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the end of a C string
  return text;
}

boost::json::object part_of_jwt(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
    return {};
  }
  boost::system::error_code failed;
  auto value = boost::json::parse(std::string_view(bytes).substr(0, size), failed);
  return failed || !value.is_object() ? boost::json::object() : value.get_object();
}

struct Jwt {
  std::string_view content;  ///< what is signed
  std::string_view signature;
};

std::optional<Jwt> jwt_of(std::string_view token, std::int64_t now) {
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto header = part_of_jwt(token.substr(0, first));
  const auto* algorithm = header.if_contains("alg");
  if (algorithm == nullptr || *algorithm != "HS256") return std::nullopt;
  const auto payload = part_of_jwt(token.substr(first + 1, last - first - 1));
  const auto* expires = payload.if_contains("exp");
  if (expires != nullptr && (!expires->is_int64() || expires->get_int64() <= now)) return std::nullopt;
  return Jwt{token.substr(0, last), token.substr(last + 1)};
}

}  // namespace

std::string Keys::derived(std::string_view purpose, std::string_view flow) const {
  return base64url(hmac(secret_, std::string(purpose).append(":").append(flow)));
}

Access Keys::access(const std::string& flow) const {
  return {derived("token", flow), derived("password", flow), derived("iv", flow).substr(0, 16)};
}

std::optional<std::string> Keys::flow_of(std::string_view token, const std::vector<std::string>& flows,
                                         std::int64_t now) const {
  const auto jwt = jwt_of(token, now);
  std::optional<std::string> found;
  for (const auto& flow : flows) {
    const auto own = derived("token", flow);
    if (equal(own, token) || (jwt && equal(base64url(hmac(own, jwt->content)), jwt->signature))) found = flow;
  }
  return found;
}

}  // namespace millrace::objects
