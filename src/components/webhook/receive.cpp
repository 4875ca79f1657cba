#include "component/base64.hpp"
#include "components/functions.hpp"

namespace millrace::components {
using component::Descriptor;
using component::Field;

namespace {

Status check_keys(std::string_view secrets) {
  std::size_t count = 0;
  while (!secrets.empty()) {
    auto key = secrets.substr(0, secrets.find(' '));
    secrets.remove_prefix(std::min(secrets.size(), key.size() + 1));
    if (key.empty()) continue;
    if (key.starts_with("whsec_")) key.remove_prefix(6);
    const auto bytes = component::base64_decoded(key);
    if (!bytes || bytes->empty()) {
      return Error{Error::Kind::invalid, "secret is not \"whsec_\" and a key in base64"};
    }
    ++count;
  }
  if (count == 0) return Error{Error::Kind::invalid, "secret is empty"};
  return Done{};
}

/// Where authorization servers send people back to.
Status check_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path != "oauth2/callback") return Done{};
  return Error{Error::Kind::invalid, "path is the platform's own (docs/credentials.md)"};
}

Status check_auth(const boost::json::object& config) {
  if (const auto* path = config.if_contains("path"); path != nullptr && path->is_string()) {
    if (auto status = check_path(path->get_string()); !status) return status;
  }
  const auto auth = std::string_view(config.at("auth").get_string());
  const auto needs = [&](std::string_view field) -> Status {
    if (config.contains(field)) return Done{};
    return Error{Error::Kind::invalid, std::string(field) + " is needed for auth: " + std::string(auth)};
  };
  if (auth == "bearer") return needs("token");
  if (auth == "hmac") {
    if (auto status = needs("secret"); !status) return status;
    return check_keys(std::string_view(config.at("secret").get_string()));
  }
  if (auth != "basic") return Done{};
  if (auto status = needs("username"); !status) return status;
  return needs("password");
}

}  // namespace

component::Function webhook_receive() {
  Descriptor it;
  it.component = "webhook";
  it.name = "receive";
  it.kind = Descriptor::Kind::webhook_trigger;
  it.title = "Receive a webhook";
  it.summary =
      "Starts an execution for every HTTP request to its path. The request is answered 202 with the execution's id "
      "when "
      "it is safe on disk; one that repeats a webhook-id or Idempotency-Key is accepted once.";
  it.fields = {
      {.name = "path",
       .summary = "Path below the platform's HTTP address, without the leading slash; one flow owns a path.",
       .required = true},
      {.name = "methods",
       .type = Field::Type::list,
       .summary = "HTTP methods that start the flow; others are answered 405.",
       .default_json = R"(["POST"])"},
      {.name = "body_max",
       .type = Field::Type::size,
       .summary = "Largest request body; a larger one is answered 413.",
       .default_json = R"("10MB")",
       .minimum = 1},
      {.name = "auth",
       .type = Field::Type::choice,
       .summary = "What a caller must show: nothing, user and password (basic), a bearer token, or a signature by "
                  "Standard Webhooks (hmac: headers webhook-id, webhook-timestamp, webhook-signature).",
       .default_json = R"("none")",
       .choices = {"none", "basic", "bearer", "hmac"}},
      {.name = "username", .summary = "User name for auth: basic."},
      {.name = "password", .type = Field::Type::secret, .summary = "Password for auth: basic."},
      {.name = "token", .type = Field::Type::secret, .summary = "Token for auth: bearer."},
      {.name = "secret",
       .type = Field::Type::secret,
       .summary = "Key for auth: hmac, \"whsec_\" and its base64 form; while keys are changed, several with spaces "
                  "between them."},
      {.name = "tolerance",
       .type = Field::Type::duration,
       .summary = "How far webhook-timestamp may be from now, for auth: hmac.",
       .default_json = R"("5m")"},
      {.name = "reply_timeout",
       .type = Field::Type::duration,
       .summary = "How long the caller waits for an http.reply of the flow before it gets 504 while the flow goes on.",
       .default_json = R"("30s")"},
      {.name = "wait_for_reply",
       .type = Field::Type::boolean,
       .summary = "Whether the caller waits; if it is not said, whether the flow has an http.reply. For flows in which "
                  "an installed component replies."}};
  it.check = check_auth;
  using enum component::CredentialType;
  it.credential_types = {basic, bearer, api_key, webhook_secret};
  it.credential_replaces = {"auth", "username", "password", "token", "secret"};
  it.emits =
      "The request: body is the parsed JSON, the form's fields, {\"text\": …} or {\"base64\": …} by its content type; "
      "headers are the request's, lower-case; method, path and query stand beside them.";
  it.examples = {{"Forms of a web site", R"(- id: form
  trigger: webhook.receive
  config:
    path: register-interest
)"},
                 {"Signed webhooks (Standard Webhooks)", R"(- id: orders
  trigger: webhook.receive
  config:
    path: shop/orders
  credential: shop-webhooks    # of type webhook_secret
)"}};
  return {it, nullptr};
}

}  // namespace millrace::components
