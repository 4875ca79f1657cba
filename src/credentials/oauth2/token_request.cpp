#include "credentials/oauth2/token_request.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include "component/base64.hpp"
#include "credentials/oauth2/random_words.hpp"

namespace millrace::credentials::oauth2 {
namespace {

namespace json = boost::json;
using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string encoded(const std::string& text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

void add_map(const Credential& credential, std::string_view name, Parameters& parameters) {
  const auto* map = credential.settings.if_contains(name);
  if (map == nullptr || !map->is_object()) return;
  for (const auto& [key, value] : map->get_object()) {
    if (value.is_string()) parameters.emplace_back(key, std::string(value.get_string()));
  }
}

io::HttpCall token_call(const Credential& credential, Parameters parameters) {
  constexpr std::chrono::seconds patience{30};
  io::HttpCall call;
  call.method = "POST";
  call.url = credential.text("token_url");
  call.timeout = patience;
  call.response_max = 1u << 20;
  call.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
  const auto id = credential.text("client_id");
  const auto secret = credential.text("client_secret");
  if (!secret.empty() && credential.text("client_authentication") != "body") {
    call.headers.push_back("Authorization: Basic " + component::base64_encoded(encoded(id) + ":" + encoded(secret)));
  } else {
    parameters.emplace_back("client_id", id);
    if (!secret.empty()) parameters.emplace_back("client_secret", secret);
  }
  add_map(credential, "token_parameters", parameters);
  std::string body;
  for (const auto& [name, value] : parameters) {
    body += fmt::format("{}{}={}", body.empty() ? "" : "&", encoded(name), encoded(value));
  }
  call.body = std::move(body);
  return call;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// `expires_in` in ms; some servers send it as text. 0: it is not said.
std::int64_t lifetime_of(const json::object& object) {
  constexpr std::int64_t longest = 10LL * 365 * 86'400;
  const auto* value = object.if_contains("expires_in");
  if (value == nullptr) return 0;
  std::int64_t seconds = 0;
  boost::system::error_code failed;
  if (value->is_number()) seconds = value->to_number<std::int64_t>(failed);
  if (value->is_string()) seconds = std::atoll(value->get_string().c_str());
  return failed ? 0 : std::clamp<std::int64_t>(seconds, 0, longest) * 1000;
}

/// What a server says of its refusal, without control characters and without what we have sent it.
std::string words(std::string text, const Credential& credential) {
  std::vector<std::string> secrets = {credential.text("client_secret")};
  if (credential.tokens) secrets.insert(secrets.end(), {credential.tokens->refresh, credential.tokens->access});
  for (const auto& secret : secrets) {
    component::Login login;
    login.type = component::CredentialType::bearer;
    login.secret = secret;
    text = component::redacted(std::move(text), login);
  }
  return printable(std::move(text));
}

TokenFault fault_of(const Credential& credential, int status, const json::object& body) {
  const auto code = text_of(body, "error");
  auto description = text_of(body, "error_description");
  auto message = fmt::format("the token endpoint answered {}", status);
  if (!code.empty()) message += fmt::format(" {}", words(code, credential));
  if (!description.empty()) message += fmt::format(": {}", words(std::move(description), credential));
  const bool busy = status >= 500 || status == 408 || status == 429;
  return {!busy && (status == 400 || status == 401 || status == 403), std::move(message)};
}

}  // namespace

io::HttpCall refresh_call(const Credential& credential) {
  Parameters parameters;
  if (credential.grant() == Grant::client_credentials) {
    parameters = {{"grant_type", "client_credentials"}};
    if (const auto scope = credential.text("scope"); !scope.empty()) parameters.emplace_back("scope", scope);
  } else {
    parameters = {{"grant_type", "refresh_token"},
                  {"refresh_token", credential.tokens ? credential.tokens->refresh : std::string()}};
  }
  return token_call(credential, std::move(parameters));
}

io::HttpCall code_call(const Credential& credential, const Visit& visit, const std::string& code) {
  return token_call(credential, {{"grant_type", "authorization_code"},
                                 {"code", code},
                                 {"redirect_uri", visit.redirect_url},
                                 {"code_verifier", visit.verifier}});
}

Result<Tokens, TokenFault> read_tokens(const Credential& credential, const io::HttpAnswer& answer, std::int64_t now) {
  boost::system::error_code failed;
  const auto parsed = json::parse(answer.body, failed);
  const auto body = !failed && parsed.is_object() ? parsed.get_object() : json::object();
  if (answer.status < 200 || answer.status >= 300) return fault_of(credential, answer.status, body);
  Tokens tokens;
  tokens.access = text_of(body, "access_token");
  const bool control =
      std::ranges::any_of(tokens.access, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (tokens.access.empty() || control) {
    // Some servers say with 200 what is wrong.
    if (body.contains("error")) return fault_of(credential, 400, body);
    return TokenFault{false, "the token endpoint's answer holds no access_token"};
  }
  tokens.refresh = text_of(body, "refresh_token");
  if (tokens.refresh.empty() && credential.tokens) tokens.refresh = credential.tokens->refresh;
  // A refresh says less than the first answer; what it leaves out (an instance's URL) goes on to hold.
  if (credential.tokens) tokens.answer = credential.tokens->answer;
  for (const auto& [name, value] : body) {
    if (name != "access_token" && name != "refresh_token") tokens.answer[name] = value;
  }
  tokens.issued_at = now;
  if (const auto lifetime = lifetime_of(body); lifetime > 0) tokens.expires_at = now + lifetime;
  return tokens;
}

std::string printable(std::string text) {
  constexpr std::size_t longest = 300;
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return text.substr(0, longest);
}

Visit new_visit(const std::string& redirect_url, std::int64_t expires_at) {
  return {random_word(), random_word(), redirect_url, expires_at};
}

std::string authorization_url(const Credential& credential, const Visit& visit) {
  Parameters parameters = {
      {"response_type", "code"}, {"client_id", credential.text("client_id")}, {"redirect_uri", visit.redirect_url}};
  if (const auto scope = credential.text("scope"); !scope.empty()) parameters.emplace_back("scope", scope);
  parameters.insert(
      parameters.end(),
      {{"state", visit.state}, {"code_challenge", s256_challenge(visit.verifier)}, {"code_challenge_method", "S256"}});
  add_map(credential, "authorization_parameters", parameters);
  boost::urls::url url = boost::urls::parse_uri(credential.text("authorization_url")).value();
  for (const auto& [name, value] : parameters) url.params().append({name, value});
  return std::string(url.buffer());
}

}  // namespace millrace::credentials::oauth2
