#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "credentials/component_keys.hpp"
#include "credentials/oauth2/visits.hpp"
#include "io/sim/loop.hpp"
#include "support/disk_broker.hpp"
#include "support/inline_offload.hpp"

namespace millrace::tests {

/// The token endpoint as the test plays it: what was asked waits until the test answers.
struct TokenServer {
  struct Asked {
    io::HttpCall call;
    io::Transfers::HttpDone done;
  };
  std::deque<Asked> asked;
  std::size_t total = 0;

  void answer(int status, std::string body) {
    REQUIRE(!asked.empty());
    auto one = std::move(asked.front());
    asked.pop_front();
    one.done(io::HttpAnswer{status, "", std::move(body), one.call.url});
  }
};

class TokenTransfers final : public io::Transfers {
 public:
  explicit TokenTransfers(TokenServer& server) : server_(server) {}
  void http(io::HttpCall call, HttpDone done) override {
    ++server_.total;
    server_.asked.push_back({std::move(call), std::move(done)});
  }
  void mail(io::MailCall, MailDone) override { FAIL("no mail is sent"); }

 private:
  TokenServer& server_;
};

/// Credentials over a real SQLite file, in virtual time, with a token endpoint that the test plays.
struct CredentialSite {
  CredentialSite() {
    auto opened = store::Store::open(offload, folder.path() + "/store.db");
    REQUIRE(opened);
    store = std::move(*opened);
    start();
  }

  /// As a platform that is started again: what is in memory is gone, also what was asked and not answered.
  void start() {
    visits.reset();
    logins.reset();
    shelf.reset();
    server.asked.clear();
    shelf.emplace(*store, credentials::Vault(key));
    REQUIRE(shelf->load());
    const auto make = [this]() -> Result<std::unique_ptr<io::Transfers>> {
      return std::unique_ptr<io::Transfers>(std::make_unique<TokenTransfers>(server));
    };
    logins.emplace(loop, *shelf, make);
    visits.emplace(loop, *shelf, *logins, make);
    keys.emplace(loop, *shelf, catalogue);
  }

  void put(const std::string& name, const char* definition) {
    const auto read = credentials::read_definition(boost::json::parse(definition).as_object(), &catalogue);
    if (!read) FAIL(read.error().message);
    shelf->put(name, *read, {"test", 1}, std::nullopt, [](const auto& set) { REQUIRE(set); });
    logins->forget(name);
  }

  /// What a worker that asks now is told; none: it still waits.
  using Told = std::shared_ptr<std::optional<Result<component::Login>>>;
  Told ask(const std::string& name, const std::string& refused = "") {
    auto told = std::make_shared<std::optional<Result<component::Login>>>();
    logins->login(name, refused, [told](Result<component::Login> login) { *told = std::move(login); });
    return told;
  }

  TemporaryFolder folder;
  io::sim::SimLoop loop{io::WallTime(std::chrono::milliseconds(1'800'000'000'000))};
  InlineOffload offload;
  credentials::Key key = credentials::Key::random();
  std::unique_ptr<store::Store> store;
  TokenServer server;
  std::optional<credentials::Shelf> shelf;
  std::optional<credentials::oauth2::Refresher> logins;
  std::optional<credentials::oauth2::Visits> visits;
  component::Catalogue catalogue{{}};  ///< of what asks for credentials of its own
  std::optional<credentials::ComponentKeys> keys;
};

}  // namespace millrace::tests
