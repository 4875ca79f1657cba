#include "app/credential_desk.hpp"

#include <chrono>
#include <cstdlib>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/contexts.hpp"
#include "app/control_client.hpp"
#include "app/credential_key.hpp"
#include "app/data_folder.hpp"
#include "app/known_components.hpp"
#include "app/store_place.hpp"
#include "component/descriptor_json.hpp"
#include "credentials/book.hpp"
#include "credentials/component_definition.hpp"
#include "flow/draft.hpp"
#include "io/posix/loop.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
using credentials::Credential;

std::string path_of(const std::string& name) {
  return "/v1/credentials/" + percent_encoded(name);
}

Error asks_for_none(const std::string& component) {
  return {Error::Kind::invalid, fmt::format("the component {} is not installed, or asks for no credential", component)};
}

class OverApi final : public CredentialDesk {
 public:
  explicit OverApi(ApiClient& client) : client_(client) {}

  Result<json::array> list() override { return client_.all("/v1/credentials"); }

  Result<json::object> show(const std::string& name) override {
    auto answer = client_.ask({.target = path_of(name)});
    if (!answer) return answer.error();
    return std::move(answer->body.as_object());
  }

  Result<json::object> put(const std::string& name, const json::object& definition) override {
    ApiRequest request{.method = "PUT", .target = path_of(name), .body = json::serialize(definition)};
    const auto known = client_.ask({.target = path_of(name)});
    if (!known && known.error().kind != Error::Kind::not_found) return known.error();
    if (known) request.headers.push_back("If-Match: " + known->etag);
    auto answer = client_.ask(request);
    if (!answer) return answer.error();
    return std::move(answer->body.as_object());
  }

  Status remove(const std::string& name) override {
    const auto gone = client_.ask({.method = "DELETE", .target = path_of(name)});
    return gone ? Status(Done{}) : Status(gone.error());
  }

  Result<json::object> form(const std::string& component) override {
    auto answer = client_.ask({.target = "/v1/components/" + percent_encoded(component)});
    if (!answer) return answer.error();
    const auto* form = answer->body.as_object().if_contains("credential");
    if (form == nullptr || !form->is_object()) return asks_for_none(component);
    return form->get_object();
  }

 private:
  ApiClient& client_;
};

/// A data folder on which no platform runs.
class IdleFolder final : public CredentialDesk {
 public:
  IdleFolder(store::Store& store, credentials::Vault vault, const component::Catalogue& catalogue)
      : store_(store), vault_(std::move(vault)), catalogue_(catalogue) {}

  Result<json::array> list() override {
    return store_.now<json::array>([this](store::Database& database) -> Result<json::array> {
      const auto found = credentials::all(database, vault_);
      if (!found) return found.error();
      json::array items;
      for (const auto& credential : *found) {
        auto object = with_uses(database, credential);
        if (!object) return object.error();
        items.push_back(std::move(*object));
      }
      return items;
    });
  }

  Result<json::object> show(const std::string& name) override {
    return store_.now<json::object>([&](store::Database& database) -> Result<json::object> {
      const auto record = store::Credentials(database).find(name);
      if (!record) return record.error();
      const auto credential = credentials::opened(*record, vault_);
      if (!credential) return credential.error();
      return with_uses(database, *credential);
    });
  }

  Result<json::object> put(const std::string& name, const json::object& given) override {
    if (!flow::is_credential_name(name)) {
      return Error{Error::Kind::invalid, "a credential's name has lower-case letters, digits, - and _, at most 63"};
    }
    const auto definition = credentials::read_definition(given, &catalogue_);
    if (!definition) return definition.error();
    return store_.now<json::object>([&](store::Database& database) -> Result<json::object> {
      const auto set = credentials::put(database, vault_, name, *definition, change(), std::nullopt);
      if (!set) return set.error();
      return with_uses(database, *set);
    });
  }

  Status remove(const std::string& name) override {
    return store_.now<Done>([&](store::Database& database) { return credentials::remove(database, name, change()); });
  }

  Result<json::object> form(const std::string& component) override {
    const auto* descriptor = credentials::asking_for_credentials(catalogue_, component);
    if (descriptor == nullptr) return asks_for_none(component);
    return component::credential_form_json(*descriptor->credential_form);
  }

 private:
  static credentials::Change change() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {"local", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  }

  static Result<json::object> with_uses(store::Database& database, const Credential& credential) {
    const auto uses = store::Credentials(database).uses(credential.name);
    if (!uses) return uses.error();
    auto object = credentials::to_json(credential);
    json::array used_by;
    for (const auto& use : *uses) {
      used_by.push_back(json::object{{"flow", use.flow}, {"version", use.version}, {"step", use.step}});
    }
    object["used_by"] = std::move(used_by);
    return object;
  }

  store::Store& store_;
  credentials::Vault vault_;
  const component::Catalogue& catalogue_;
};

std::string variable(const char* name) {
  const char* set = std::getenv(name);
  return set == nullptr ? std::string() : set;
}

Status with_idle_folder(const std::string& path, const std::string& key_file, Absent absent,
                        const std::function<Status(CredentialDesk&)>& work) {
  auto folder =
      DataFolder::open(path, absent == Absent::create ? DataFolder::Missing::create : DataFolder::Missing::fail);
  if (!folder) return folder.error();
  io::posix::AsioLoop loop;
  io::posix::ThreadOffload offload(loop);
  auto store = open_idle_store(offload, *folder);
  if (!store) return store.error();
  const auto key = credential_key(key_file.empty() ? variable("MILLRACE_KEY_FILE") : key_file,
                                  folder->credential_key_file(), **store);
  if (!key) return key.error();
  const credentials::Vault vault(key->key);
  const auto proven =
      (*store)->now<Done>([&](store::Database& database) { return credentials::prove_key(database, vault); });
  if (!proven) return proven.error().in("key of the credentials, from " + key->place);
  if (key->made) fmt::print(stderr, "made the key {}; credentials cannot be read without it\n", key->place);
  KnownComponents known(path);
  IdleFolder desk(**store, vault, known.catalogue());
  return work(desk);
}

}  // namespace

Status with_credential_desk(const CredentialOptions& options, Absent absent,
                            const std::function<Status(CredentialDesk&)>& work) {
  const auto server = resolve(options.server);
  if (!server) return server.error();
  if (server->url.empty() && !platform_runs(server->data_folder)) {
    return with_idle_folder(server->data_folder, options.key_file, absent, work);
  }
  const auto client = ApiClient::make(*server);
  if (!client) return client.error();
  OverApi desk(**client);
  return work(desk);
}

}  // namespace millrace::app
