#include "credentials/oauth2/refresher.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::credentials::oauth2 {
namespace {

using component::Login;

/// A service that refuses each token it is shown must not make us ask for one with every message.
constexpr std::int64_t forced_interval = 5'000;
constexpr std::int64_t retry_delay_max = 60'000;

std::string authorize_again(const std::string& name) {
  return fmt::format("authorise again: millrace credential authorize {} (POST /v1/credentials/{}/authorize)", name,
                     name);
}

/// A token within its margin is better than none while its server is not there.
std::optional<Login> last_resort(const Credential& credential, const std::string& refused, std::int64_t now) {
  if (!credential.tokens || credential.tokens->expires_at <= now) return std::nullopt;
  auto late = credential;
  late.tokens->expires_at = 0;
  auto login = login_of(late, now);
  if (!login || login->generation == refused) return std::nullopt;
  login->valid_for = std::chrono::milliseconds(std::min<std::int64_t>(1'000, credential.tokens->expires_at - now));
  return login;
}

}  // namespace

Refresher::Refresher(io::Loop& loop, Shelf& shelf, MakeTransfers make)
    : loop_(loop), shelf_(shelf), make_(std::move(make)) {}

Refresher::~Refresher() {
  *alive_ = false;
}

void Refresher::forget(const std::string& name) {
  past_.erase(name);
}

bool Refresher::may_force(const std::string& name) {
  auto& forced_at = past_[name].forced_at;
  if (now() - forced_at < forced_interval) return false;
  forced_at = now();
  return true;
}

void Refresher::login(const std::string& name, const std::string& refused, Done done) {
  const auto* credential = shelf_.find(name);
  if (credential == nullptr) {
    return done(Error{Error::Kind::not_found, fmt::format("there is no credential {}", name)});
  }
  if (const auto flight = flights_.find(name); flight != flights_.end()) {
    return flight->second.waiting.push_back(std::move(done));
  }
  const auto login = login_of(*credential, now());
  const bool is_refused = login && login->generation == refused;
  if (login && !(is_refused && credential->is_oauth2() && may_force(name))) return done(*login);
  const bool can_refresh =
      credential->grant() == Grant::client_credentials || (credential->tokens && !credential->tokens->refresh.empty());
  if (credential->state == State::authorization_needed) {
    return done(Error{Error::Kind::permission, fmt::format("credential {}: {}", name, credential->problem)});
  }
  if (!can_refresh) {
    const auto* why = is_refused ? "the service refuses the access token, and there is no refresh token"
                                 : "the access token has expired, and there is no refresh token";
    return need_authorization(*credential, why, done);
  }
  if (const auto past = past_.find(name); past != past_.end() && now() < past->second.retry_at) {
    if (const auto late = last_resort(*credential, refused, now())) return done(*late);
    return done(Error{Error::Kind::unavailable, fmt::format("credential {}: {}", name, past->second.problem)});
  }
  begin(*credential, std::move(done));
}

void Refresher::begin(const Credential& credential, Done done) {
  if (!transfers_) {
    auto made = make_();
    if (!made) return done(made.error());
    transfers_ = std::move(*made);
  }
  const auto name = credential.name;
  flights_[name] = {credential.revision, now(), {std::move(done)}, credential.generation};
  if (!turns_.begin) return send(credential);
  turns_.begin(name, [this, alive = alive_, name](const Status& mine) {
    if (*alive) begun(name, mine);
  });
}

/// The credential is as the one before has left it.
void Refresher::begun(const std::string& name, const Status& mine) {
  if (!mine) return land(name, mine.error().in("credential " + name));
  auto& flight = flights_.at(name);
  const auto* credential = shelf_.find(name);
  const bool is_same = credential != nullptr && credential->revision == flight.revision;
  if (!is_same || credential->generation != flight.generation) {
    return land(name, Error{Error::Kind::stale, "the credential has been set, or has new tokens, meanwhile"});
  }
  flight.asked_at = now();
  send(*credential);
}

void Refresher::send(const Credential& credential) {
  transfers_->http(refresh_call(credential),
                   [this, name = credential.name](Result<io::HttpAnswer, io::TransferFault> result) {
                     answered(name, std::move(result));
                   });
}

void Refresher::answered(const std::string& name, Result<io::HttpAnswer, io::TransferFault> result) {
  const auto& flight = flights_.at(name);
  const auto* credential = shelf_.find(name);
  if (credential == nullptr || credential->revision != flight.revision) {
    return land(name, Error{Error::Kind::stale, "the credential has been set meanwhile"});
  }
  if (!result) return fail(name, {false, "the token endpoint: " + result.error().message});
  const auto tokens = read_tokens(*credential, *result, flight.asked_at);
  tokens ? take(name, *tokens) : fail(name, tokens.error());
}

void Refresher::take(const std::string& name, const Tokens& tokens) {
  const auto change = [tokens](Credential& credential) { credential.renew(tokens); };
  shelf_.update(name, flights_.at(name).revision, change, [this, alive = alive_, name](const Status& stored) {
    if (!*alive) return;
    if (!stored) return land(name, stored.error());
    auto& past = past_[name];
    past.failures = 0;
    past.retry_at = 0;
    log::info("a credential has a new token", {{"credential", name}});
    const auto* credential = shelf_.find(name);
    auto login = credential == nullptr ? std::nullopt : login_of(*credential, now());
    // A token that ends as soon as it is there is shown once all the same.
    if (!login && credential != nullptr) login = last_resort(*credential, "", now());
    if (login) return land(name, *login);
    land(name, Error{Error::Kind::unavailable,
                     fmt::format("credential {}: the token that was given has expired already", name)});
  });
}

void Refresher::fail(const std::string& name, const TokenFault& fault) {
  const auto revision = flights_.at(name).revision;
  const auto* credential = shelf_.find(name);
  if (fault.refused && credential->grant() == Grant::authorization_code) {
    return need_authorization(*credential, fault.message,
                              [this, name](const Result<Login>& login) { land(name, login); });
  }
  auto& past = past_[name];
  const auto delay = std::min<std::int64_t>(retry_delay_max, 1'000LL << std::min(past.failures, 6));
  ++past.failures;
  past.retry_at = now() + delay;
  past.problem = fault.message;
  log::warning("a credential gets no token",
               {{"credential", name}, {"reason", fault.message}, {"retry_in_ms", std::to_string(delay)}});
  const auto late = last_resort(*credential, "", now());
  const auto answer =
      late ? Result<Login>(*late)
           : Result<Login>(Error{Error::Kind::unavailable, fmt::format("credential {}: {}", name, fault.message)});
  const auto change = [&](Credential& one) {
    one.state = State::failing;
    one.problem = fault.message;
  };
  if (credential->state == State::failing && credential->problem == fault.message) return land(name, answer);
  shelf_.update(name, revision, change, [this, alive = alive_, name, answer](const Status&) {
    if (*alive) land(name, answer);
  });
}

void Refresher::need_authorization(const Credential& credential, const std::string& why, const Done& done) {
  const auto problem = fmt::format("{}; {}", why, authorize_again(credential.name));
  const Error error{Error::Kind::permission, fmt::format("credential {}: {}", credential.name, problem)};
  log::warning("a credential has to be authorised again", {{"credential", credential.name}, {"reason", why}});
  const auto change = [&](Credential& one) {
    one.state = State::authorization_needed;
    one.problem = problem;
    one.tokens.reset();
  };
  shelf_.update(credential.name, credential.revision, change, [alive = alive_, done, error](const Status&) {
    if (*alive) done(error);
  });
}

/// The flight is over: all that waited get its result. One that was overtaken by a change begins anew.
void Refresher::land(const std::string& name, const Result<Login>& result) {
  auto waiting = std::move(flights_.at(name).waiting);
  flights_.erase(name);
  if (turns_.end) turns_.end(name);
  const bool overtaken = !result && result.error().kind == Error::Kind::stale;
  for (auto& done : waiting) overtaken ? login(name, "", std::move(done)) : done(result);
}

}  // namespace millrace::credentials::oauth2
