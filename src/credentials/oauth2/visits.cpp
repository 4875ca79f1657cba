#include "credentials/oauth2/visits.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"
#include "store/audit.hpp"

namespace millrace::credentials::oauth2 {
namespace {

constexpr std::int64_t visit_lasts = 600'000;

std::function<Status(store::Database&)> audited(std::string name, std::string action, std::string who,
                                                std::int64_t at) {
  return [=](store::Database& database) {
    return store::Audit(database).write({0, at, who, action, "credential/" + name, "", ""});
  };
}

}  // namespace

Visits::Visits(io::Loop& loop, Shelf& shelf, Refresher& refresher, MakeTransfers make)
    : loop_(loop), shelf_(shelf), refresher_(refresher), make_(std::move(make)) {}

void Visits::begin(const std::string& name, const std::string& redirect_url, const std::string& who,
                   const std::function<void(Result<Begun>)>& done) {
  const auto* credential = shelf_.find(name);
  if (credential == nullptr) {
    return done(Error{Error::Kind::not_found, fmt::format("there is no credential {}", name)});
  }
  if (credential->grant() != Grant::authorization_code) {
    return done(Error{Error::Kind::conflict, fmt::format("the credential {} is of type {}, which nobody has to "
                                                         "authorise",
                                                         name, to_string(credential->type))});
  }
  const auto visit = new_visit(redirect_url, now() + visit_lasts);
  const Begun begun{authorization_url(*credential, visit), redirect_url, visit.expires_at};
  shelf_.update(
      name, credential->revision, [&visit](Credential& one) { one.visit = visit; },
      [done, begun](const Status& stored) { done(stored ? Result<Begun>(begun) : Result<Begun>(stored.error())); },
      audited(name, "credential.authorize", who, now()));
}

void Visits::end(const Return& back, const std::function<void(Result<std::string>)>& done) {
  const auto* found = back.state.empty() ? nullptr : shelf_.visited(back.state);
  if (found == nullptr || found->visit->expires_at <= now()) {
    return done(Error{Error::Kind::permission,
                      "nobody is expected here with this state: it has taken longer than ten minutes, or was used "
                      "already (begin again with `millrace credential authorize`)"});
  }
  const auto credential = *found;
  auto reason = printable(back.error);
  if (!back.description.empty()) reason += ": " + printable(back.description);
  if (back.error.empty() && back.code.empty()) reason = "it sent no code";
  // Used up before anything is done with it: a second return with this state finds nothing.
  shelf_.update(
      credential.name, credential.revision, [](Credential& one) { one.visit.reset(); },
      [this, alive = alive_, credential, code = back.code, reason, done](const Status& stored) {
        if (!*alive) return;
        if (!stored) return done(stored.error());
        if (reason.empty()) return exchange(credential, *credential.visit, code, done);
        done(Error{Error::Kind::unavailable, fmt::format("the authorization server says no: {}", reason)});
      });
}

void Visits::exchange(const Credential& credential, const Visit& visit, const std::string& code,
                      const std::function<void(Result<std::string>)>& done) {
  if (!transfers_) {
    auto made = make_();
    if (!made) return done(made.error());
    transfers_ = std::move(*made);
  }
  auto fresh = credential;
  fresh.tokens.reset();  // an earlier refresh token belongs to an earlier agreement
  const auto asked_at = now();
  transfers_->http(code_call(credential, visit, code),
                   [this, fresh, asked_at, done](const Result<io::HttpAnswer, io::TransferFault>& answer) {
                     if (!answer) {
                       return done(Error{Error::Kind::unavailable, "the token endpoint: " + answer.error().message});
                     }
                     const auto tokens = read_tokens(fresh, *answer, asked_at);
                     if (!tokens) return done(Error{Error::Kind::unavailable, tokens.error().message});
                     keep(fresh.name, fresh.revision, *tokens, done);
                   });
}

void Visits::keep(const std::string& name, std::int64_t revision, const Tokens& tokens,
                  const std::function<void(Result<std::string>)>& done) {
  const auto change = [&tokens](Credential& credential) { credential.renew(tokens); };
  shelf_.update(
      name, revision, change,
      [this, alive = alive_, name, done](const Status& stored) {
        if (!*alive) return;
        if (!stored) return done(stored.error());
        refresher_.forget(name);
        log::info("a credential is authorised", {{"credential", name}});
        done(name);
      },
      audited(name, "credential.authorized", "authorization server", now()));
}

}  // namespace millrace::credentials::oauth2
