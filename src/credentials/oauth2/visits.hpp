#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "credentials/oauth2/refresher.hpp"

namespace millrace::credentials::oauth2 {

/// A person's agreement to a credential of the authorization code type (RFC 6749 §4.1): where to send him, and what he
/// comes back with. A visit lasts ten minutes, is good for one return, and is on stable storage before its address is
/// told, so it outlives the platform's end. Thread: the loop's. Loop, shelf and refresher outlive it.
class Visits {
 public:
  Visits(io::Loop& loop, Shelf& shelf, Refresher& refresher, MakeTransfers make);
  ~Visits() { *alive_ = false; }

  struct Begun {
    std::string authorization_url;
    std::string redirect_url;
    std::int64_t expires_at = 0;
  };
  /// A new visit; the one before, if there is one, is over. Error::conflict for another type.
  void begin(const std::string& name, const std::string& redirect_url, const std::string& who,
             const std::function<void(Result<Begun>)>& done);

  /// What the authorization server sent along (§4.1.2): a code, or an error.
  struct Return {
    std::string state;
    std::string code;
    std::string error;
    std::string description;
  };
  /// Exchanges the code for tokens. `done` gets the credential's name. Error::permission if nobody of that state is
  /// expected, Error::unavailable with what the server has said.
  void end(const Return& back, const std::function<void(Result<std::string>)>& done);

 private:
  std::int64_t now() const { return loop_.wall_now().time_since_epoch().count(); }
  void exchange(const Credential& credential, const Visit& visit, const std::string& code,
                const std::function<void(Result<std::string>)>& done);
  void keep(const std::string& name, std::int64_t revision, const Tokens& tokens,
            const std::function<void(Result<std::string>)>& done);

  io::Loop& loop_;
  Shelf& shelf_;
  Refresher& refresher_;
  MakeTransfers make_;
  std::unique_ptr<io::Transfers> transfers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::credentials::oauth2
