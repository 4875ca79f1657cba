#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/broker_api.hpp"
#include "api/operation.hpp"
#include "io/loop.hpp"
#include "io/posix/http_server.hpp"
#include "store/store.hpp"

namespace millrace::api {

/// The API behind one listener. What is the same for all operations is done here: who asks and whether he may, which
/// operation is meant, its parameters and body, answers to repeated requests. Errors are problem details (RFC 9457):
///
///   401 no valid token · 403 its scope does not reach · 404 no such path · 405 with Allow · 413 body too large ·
///   415 not the media type · 400 malformed body or unknown parameter
///
/// A POST with an Idempotency-Key that comes again gets the answer of the first (header Idempotency-Replayed: true),
/// for a day; with another body 422. `/healthz` and `/readyz` are for everybody. Thread: the loop's. What it is given
/// outlives it.
class Door final : public io::posix::HttpHandler {
 public:
  enum class Access {
    local,  ///< whoever can open the socket may do everything
    token,  ///< Authorization: Bearer, a token of the store
  };
  struct Parts {
    io::Loop& loop;
    store::Store& store;
    const Operations& operations;
    BrokerApi& broker;
    std::function<bool()> ready;
  };

  Door(Parts parts, Access access) : parts_(parts), access_(access) {}

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  struct Match {
    const Operation* operation = nullptr;
    std::vector<std::string> path;
    std::string allowed;  ///< methods of the path; empty: there is no such path
  };

  Match match(const io::posix::HttpRequest& request) const;
  void admit(io::posix::HttpRequest request, Caller caller, const io::posix::Respond& respond);
  void prepare(const Match& match, Call call);
  void once(const Operation& operation, Call call);

  Parts parts_;
  Access access_;
};

}  // namespace millrace::api
