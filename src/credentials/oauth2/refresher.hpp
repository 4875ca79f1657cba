#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "credentials/oauth2/token_request.hpp"
#include "credentials/shelf.hpp"
#include "io/loop.hpp"
#include "io/transfers.hpp"

namespace millrace::credentials::oauth2 {

/// Makes the library that requests go over, when the first one is needed.
using MakeTransfers = std::function<Result<std::unique_ptr<io::Transfers>>()>;

/// The logins of credentials, with tokens that are refreshed where they have to be: shortly before they expire, and
/// once after a service has refused one.
///
/// However many workers ask, one request for a credential is under way at a time, and all of them wait for what it
/// brings. Tokens are on stable storage before anybody gets them, so a refresh token that a server has replaced is not
/// lost by a kill. A refusal (invalid_grant) ends in authorization_needed until a person agrees again; what may pass is
/// tried again, after 1 s, 2 s … 60 s. Thread: the loop's. Loop and shelf outlive it.
class Refresher {
 public:
  using Done = component::CredentialSource::Done;

  Refresher(io::Loop& loop, Shelf& shelf, MakeTransfers make);
  ~Refresher();
  Refresher(const Refresher&) = delete;
  Refresher& operator=(const Refresher&) = delete;

  /// Where several platforms share the store: one at a time asks for the tokens of a credential, after it has read what
  /// the one before has got. `begin` tells `begun` when it is this one's turn, or why it is not.
  struct Turns {
    std::function<void(const std::string& name, std::function<void(Status)> begun)> begin;
    std::function<void(const std::string& name)> end;
  };
  void take_turns(Turns turns) { turns_ = std::move(turns); }

  /// `refused`: the generation that a service has not taken, or empty. Errors as CredentialSource has them.
  void login(const std::string& name, const std::string& refused, Done done);
  /// A person has set it or agreed: what was tried before counts no more.
  void forget(const std::string& name);

 private:
  /// A request for tokens that is under way.
  struct Flight {
    std::int64_t revision = 0;  ///< of the credential that it was made from
    std::int64_t asked_at = 0;
    std::vector<Done> waiting = {};
    std::int64_t generation = 0;  ///< that it is to replace
  };
  struct Past {
    std::int64_t forced_at = 0;  ///< when a refusal last made us refresh
    int failures = 0;            ///< in a row
    std::int64_t retry_at = 0;
    std::string problem = {};  ///< of the last one
  };

  std::int64_t now() const { return loop_.wall_now().time_since_epoch().count(); }
  bool may_force(const std::string& name);
  void begin(const Credential& credential, Done done);
  void begun(const std::string& name, const Status& mine);
  void send(const Credential& credential);
  void answered(const std::string& name, Result<io::HttpAnswer, io::TransferFault> result);
  void take(const std::string& name, const Tokens& tokens);
  void fail(const std::string& name, const TokenFault& fault);
  void land(const std::string& name, const Result<component::Login>& login);
  void need_authorization(const Credential& credential, const std::string& why, const Done& done);

  io::Loop& loop_;
  Shelf& shelf_;
  MakeTransfers make_;
  Turns turns_;  ///< may be empty: this platform is the only one
  std::unique_ptr<io::Transfers> transfers_;
  std::map<std::string, Flight> flights_;
  std::map<std::string, Past> past_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::credentials::oauth2
