#include "credentials/shelf.hpp"

#include <fstream>
#include <iterator>

#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "store/flows.hpp"
#include "support/credential_site.hpp"

using namespace millrace;
using tests::CredentialSite;

namespace {

constexpr const char* basic = R"({"type":"basic","username":"ada","password":"correct horse battery"})";

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a credential is there after a start, and its secret stands in no file") {
  CredentialSite site;
  site.put("crm", basic);
  site.start();
  const auto login = site.shelf->login("crm");
  REQUIRE(login);
  CHECK(login->username == "ada");
  CHECK(login->secret == "correct horse battery");
  for (const auto* name : {"/store.db", "/store.db-wal"}) {
    CHECK(bytes_of(site.folder.path() + name).find("correct horse") == std::string::npos);
  }
}

TEST_CASE("what is shown of a credential has no secret in it") {
  CredentialSite site;
  site.put("crm", basic);
  const auto shown = boost::json::serialize(credentials::to_json(*site.shelf->find("crm")));
  CHECK(shown.find("ada") != std::string::npos);
  CHECK(shown.find("correct horse") == std::string::npos);
}

TEST_CASE("a wrong key is told, and changes nothing") {
  CredentialSite site;
  site.put("crm", basic);
  credentials::Shelf other(*site.store, credentials::Vault(credentials::Key::random()));
  const auto loaded = other.load();
  REQUIRE(!loaded);
  CHECK(loaded.error().kind == Error::Kind::permission);
  site.start();
  CHECK(site.shelf->login("crm"));
}

TEST_CASE("with another key all are sealed anew, and the old one opens nothing") {
  CredentialSite site;
  site.put("crm", basic);
  const auto next = credentials::Key::random();
  const auto changed = site.store->now<Done>([&](store::Database& database) {
    return credentials::change_key(database, credentials::Vault(site.key), credentials::Vault(next), {"test", 1});
  });
  REQUIRE(changed);
  credentials::Shelf old(*site.store, credentials::Vault(site.key));
  CHECK(!old.load());
  site.key = next;
  site.start();
  CHECK(site.shelf->login("crm")->secret == "correct horse battery");
}

TEST_CASE("who replaces a revision that is not the last one is told") {
  CredentialSite site;
  site.put("crm", basic);
  const auto definition = credentials::read_definition(boost::json::parse(basic).as_object());
  Error::Kind kind{};
  site.shelf->put("crm", *definition, {"test", 1}, 7, [&](const auto& set) { kind = set.error().kind; });
  CHECK(kind == Error::Kind::stale);
  site.shelf->put("crm", *definition, {"test", 1}, 1, [&](const auto& set) { CHECK(set->revision == 2); });
}

TEST_CASE("a credential that a published flow names is not deleted, and the flow is named") {
  CredentialSite site;
  site.put("crm", basic);
  const auto published = site.store->now<Done>([](store::Database& database) -> Status {
    store::Flows flows(database);
    if (const auto saved = flows.save({"orders", "text", "test", "api", 1}, 0); !saved) return saved.error();
    store::Flows::Publication publication{"orders", "text", "", "test", 1, {}};
    publication.credentials = {{"publish", "crm"}};
    const auto version = flows.publish(publication);
    return version ? Status(Done{}) : Status(version.error());
  });
  REQUIRE(published);
  Status removed = Done{};
  site.shelf->remove("crm", {"test", 2}, [&](const Status& done) { removed = done; });
  REQUIRE(!removed);
  CHECK(removed.error().kind == Error::Kind::conflict);
  CHECK(removed.error().message.find("orders") != std::string::npos);
  REQUIRE(site.store->now<Done>([](store::Database& database) { return store::Flows(database).remove("orders"); }));
  site.shelf->remove("crm", {"test", 3}, [&](const Status& done) { removed = done; });
  CHECK(removed);
  CHECK(site.shelf->find("crm") == nullptr);
}
