#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "installed/installation.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/loop.hpp"

namespace millrace::installed {

/// What a component can be asked beside its work.
struct Question {
  enum class Kind {
    verify,    ///< are these credentials good? → {"verified": bool, "reason": text or null}
    metadata,  ///< what goes in and comes out, with this config? → {"in": schema, "out": schema}
    select,    ///< what may stand in a field, with this config? → {"choices": {value: what it means}}
  };
  Kind kind = Kind::verify;
  std::string function = {};        ///< "getPets"; not for verify
  std::string field = {};           ///< for select
  boost::json::object config = {};  ///< a step's fields and those of its credentials

  /// The credential that its config is of, for what it asks of elastic.io's API about it.
  struct Account {
    std::string name;
    std::string secret;  ///< what it is told (component::secret_document)
    /// Keeps the fields that it has got anew (updateKeys); null: they cannot be kept.
    std::function<void(const boost::json::object& keys, std::function<void(Status)>)> keep = {};
  };
  std::optional<Account> account = {};
};

/// Asks components. What component.json says is answered from there; else a process of elastic.io's library is started
/// for the question (runService.js), which sends its answer to a door of ours on loopback. It has 20 s and 1 GiB; what
/// it wrote is in the error if it fails. Thread: the loop's. Destroying it ends what is being asked.
class Inquiries final : public io::posix::HttpHandler {
 public:
  using Answered = std::function<void(Result<boost::json::object>)>;
  explicit Inquiries(io::posix::AsioLoop& loop);
  ~Inquiries() override;

  /// `answered` is called once, on the loop. Error::not_found: no such function or field; unsupported: such a component
  /// cannot be asked that, or has no verifyCredentials; invalid: what the component itself says is wrong; unavailable:
  /// it gave no answer.
  void ask(const Installation& installation, const Question& question, Answered answered);

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  struct Asked;
  Status open();
  void answer_account(const io::posix::HttpRequest& request, const io::posix::Respond& respond) const;
  void start(const Installation& installation, const Question& question, const std::string& model, Answered answered);
  void finish(const std::string& token, Result<boost::json::object> result);

  io::posix::AsioLoop& loop_;
  std::map<std::string, std::unique_ptr<Asked>> asked_;  ///< by the token in the address of its answer
  std::unique_ptr<io::posix::HttpServer> door_;          ///< from the first question on
};

}  // namespace millrace::installed
