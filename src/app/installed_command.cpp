#include "app/installed_command.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/installations.hpp"
#include "app/api_output.hpp"
#include "app/contexts.hpp"
#include "app/control_client.hpp"
#include "app/data_folder.hpp"
#include "app/exit_code.hpp"
#include "app/known_components.hpp"
#include "app/settings.hpp"
#include "app/store_place.hpp"
#include "installed/installer.hpp"
#include "io/posix/loop.hpp"
#include "store/store.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

/// A data folder on which no platform runs, opened for a change of its components.
class IdleFolder {
 public:
  static Result<std::unique_ptr<IdleFolder>> open(const std::string& path, DataFolder::Missing missing) {
    auto folder = DataFolder::open(path, missing);
    if (!folder) return folder.error();
    auto idle = std::unique_ptr<IdleFolder>(new IdleFolder(std::move(*folder), path));
    auto store = open_idle_store(idle->offload_, idle->folder_);
    if (!store) return store.error();
    idle->store_ = std::move(*store);
    installed::sweep(idle->known_.installed().folder());
    idle->installations_.emplace(idle->installer_, *idle->store_, nullptr);
    return idle;
  }

  Result<json::object> add(installed::Order order) {
    const auto id = installations_->begin(std::move(order), change(), [this] { loop_.stop(); });
    loop_.run();
    return *installations_->find(id);
  }

  Status remove(const std::string& name) {
    Status result = Done{};
    installations_->remove(name, change(), [&](Status removed) {
      result = std::move(removed);
      loop_.stop();
    });
    loop_.run();
    return result;
  }

 private:
  IdleFolder(DataFolder folder, const std::string& path)
      : folder_(std::move(folder)),
        offload_(loop_),
        known_(path),
        installer_(loop_, known_.installed(), engine_of_settings()) {}

  /// As the platform would have it.
  static installed::EngineSettings engine_of_settings() {
    const auto values = resolve(Command::serve, {});
    if (!values) return {};
    const auto docker = options_of(*values).docker;
    return {docker.engine, docker.certificates, docker.config};
  }

  deployment::Change change() { return {"local", {}, loop_.wall_now().time_since_epoch().count()}; }

  io::posix::AsioLoop loop_;
  DataFolder folder_;
  std::unique_ptr<store::Store> store_;
  io::posix::ThreadOffload offload_;  // its thread ends before the store that it works on
  KnownComponents known_;
  installed::Installer installer_;
  std::optional<api::Installations> installations_;
};

/// The order as the API takes it.
Result<json::object> request_of(const InstalledOptions& options) {
  json::object request;
  const bool is_path = !options.source.starts_with("npm:") && !options.source.starts_with("image:");
  request["source"] = is_path && !options.source.empty()
                          ? std::filesystem::absolute(options.source).lexically_normal().string()
                          : options.source;
  if (!options.name.empty()) request["name"] = options.name;
  if (options.replace) request["replace"] = true;
  if (options.scripts) request["scripts"] = true;
  json::object environment;
  for (const auto& entry : options.environment) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Error::Kind::invalid, fmt::format("--env {}: write NAME=VALUE", entry)};
    }
    environment[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  if (!environment.empty()) request["environment"] = std::move(environment);
  return request;
}

Result<installed::Order> order_of(const InstalledOptions& options, const json::object& request) {
  auto source = installed::Source::parse(std::string_view(request.at("source").as_string()));
  if (!source) return source.error();
  installed::Order order{
      .source = std::move(*source), .name = options.name, .replace = options.replace, .scripts = options.scripts};
  if (const auto* environment = request.if_contains("environment")) {
    for (const auto& [name, value] : environment->get_object()) order.environment.emplace_back(name, value.as_string());
  }
  return order;
}

/// Asks a platform, and again until it is done.
Result<json::object> add_there(ApiClient& client, const json::object& request) {
  auto answer = client.ask({.method = "POST", .target = "/v1/components", .body = json::serialize(request)});
  if (!answer) return answer.error();
  const auto target = "/v1/component-installations/" + std::string(answer->body.at("id").as_string());
  while (answer && answer->body.at("state").as_string() == "installing") {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    answer = client.ask({.target = target});
  }
  if (!answer) return answer.error();
  return answer->body.as_object();
}

Status tell(const json::object& installation, bool as_json) {
  if (!installation.at("error").is_null()) {
    return Error{Error::Kind::unavailable, std::string(installation.at("error").as_string())};
  }
  if (as_json) {
    fmt::print("{}\n", json::serialize(installation));
    return Done{};
  }
  fmt::print("{}  {}  installed\n", cell(installation, "component"), cell(installation, "version"));
  for (const auto& note : installation.at("notes").as_array()) {
    fmt::print(stderr, "note: {}\n", std::string_view(note.as_string()));
  }
  return Done{};
}

int complain(const Error& error, int exit_code = ExitCode::failed) {
  fmt::print(stderr, "millrace: {}\n", error.message);
  return exit_code;
}

}  // namespace

std::string data_folder_of(const Server& server) {
  const auto meant = resolve(server);
  return meant && !meant->data_folder.empty() ? meant->data_folder : "./millrace-data";
}

bool is_remote(const Server& server) {
  const auto meant = resolve(server);
  return !meant || !meant->url.empty();
}

bool has_platform(const Server& server) {
  return is_remote(server) || platform_runs(data_folder_of(server));
}

int add_component(const InstalledOptions& options) {
  const auto request = request_of(options);
  if (!request) return complain(request.error(), ExitCode::usage);
  if (has_platform(options.server)) {
    return with_api(options.server, [&](ApiClient& client) -> Status {
      const auto added = add_there(client, *request);
      return added ? tell(*added, options.json) : Status(added.error());
    });
  }
  auto order = order_of(options, *request);
  if (!order) return complain(order.error(), ExitCode::usage);
  const auto idle = IdleFolder::open(data_folder_of(options.server), DataFolder::Missing::create);
  if (!idle) return complain(idle.error(), ExitCode::data_folder);
  const auto added = (*idle)->add(std::move(*order));
  if (!added) return complain(added.error());
  const auto told = tell(*added, options.json);
  return told ? ExitCode::ok : complain(told.error());
}

int remove_component(const InstalledOptions& options) {
  const auto said = [&](Status removed) -> Status {
    if (removed) fmt::print("{}  removed\n", options.name);
    return removed;
  };
  if (has_platform(options.server)) {
    return with_api(options.server, [&](ApiClient& client) -> Status {
      const auto gone = client.ask({.method = "DELETE", .target = "/v1/components/" + percent_encoded(options.name)});
      return said(gone ? Status(Done{}) : Status(gone.error()));
    });
  }
  const auto idle = IdleFolder::open(data_folder_of(options.server), DataFolder::Missing::fail);
  if (!idle) return complain(idle.error(), ExitCode::data_folder);
  const auto done = said((*idle)->remove(options.name));
  return done ? ExitCode::ok : complain(done.error());
}

}  // namespace millrace::app
