#include "machine.hpp"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "orchestrator/driver/docker/container_spec.hpp"

namespace millrace::simulation {
namespace json = boost::json;
namespace labels = orchestrator::docker::labels;
using State = Machine::Box::State;

namespace {

EngineAnswer said(int status, const json::value& body) {
  return {status, json::serialize(body)};
}
EngineAnswer refused(int status, const std::string& message) {
  return said(status, json::object{{"message", message}});
}

std::string environment(const json::object& body, std::string_view name) {
  for (const auto& entry : body.at("Env").as_array()) {
    const std::string_view text = entry.as_string();
    if (text.starts_with(name) && text.substr(name.size()).starts_with('=')) {
      return std::string(text.substr(name.size() + 1));
    }
  }
  return {};
}

}  // namespace

const Machine::Box* Machine::find(const std::string& id_or_name) const {
  return const_cast<Machine*>(this)->known(id_or_name);
}

Machine::Box* Machine::known(const std::string& id_or_name) {
  for (auto& [id, box] : boxes_) {
    if (id == id_or_name || box.name == id_or_name) return &box;
  }
  return nullptr;
}

/// "/v1.41/containers/ID/VERB?…"
EngineAnswer Machine::answer(const EngineCall& call) {
  if (call.path == "/version") return said(200, {{"ApiVersion", "1.43"}, {"MinAPIVersion", "1.12"}});
  const auto path = call.path.substr(call.path.find('/', 1));
  if (path == "/networks/create") return has_network_ = true, said(201, {{"Id", "network"}});
  if (path.starts_with("/networks/")) {
    if (!has_network_) return refused(404, "no such network");
    if (call.method == "DELETE") return has_network_ = false, EngineAnswer{204, {}};
    return said(200, {{"Labels", {{labels::platform, "simulated000"}}},
                      {"IPAM", {{"Config", json::array{json::object{{"Gateway", "172.18.0.1"}}}}}}});
  }
  if (path.starts_with("/images/create")) {
    if (has_image || chance_.percent(50)) has_image = true;
    return has_image ? EngineAnswer{200, {}} : refused(500, "no such registry");
  }
  if (path.starts_with("/images/")) {
    return has_image ? said(200, {{"Id", "sha256:1"}, {"Config", {{"User", "65532"}}}}) : refused(404, "no such image");
  }
  if (path.starts_with("/containers/json")) return list();
  constexpr std::string_view create_path = "/containers/create?name=";
  if (path.starts_with(create_path)) return create(path.substr(create_path.size()), call.body);

  const auto id_begins = std::string_view("/containers/").size();
  const auto id_ends = path.find_first_of("/?", id_begins);
  auto* const box = known(path.substr(id_begins, id_ends - id_begins));
  const auto verb = id_ends == std::string::npos ? std::string() : path.substr(id_ends);
  if (box == nullptr) return refused(404, "no such container");
  if (call.method != "GET" && box->foreign) ++mutations_of_foreign;
  if (verb == "/json") return inspect(*box);
  if (verb == "/start") return start(*box);
  if (verb.starts_with("/kill")) return kill(*box, verb.find("SIGKILL") != std::string::npos);
  if (call.method == "DELETE") return remove(*box, call.path.find("force=1") != std::string::npos);
  return said(200, {{"StatusCode", box->exit_code}});  // wait and logs, once it has ended
}

EngineAnswer Machine::create(const std::string& name, const std::string& body) {
  if (known(name) != nullptr) return refused(409, "the name is in use");
  if (!calm && chance_.percent(3)) return refused(500, "no space left on device");
  const auto document = json::parse(body).as_object();
  Box box;
  box.id = fmt::format("{:064x}", ++last_);
  box.name = name;
  box.image = std::string(document.at("Image").as_string());
  box.create_body = body;
  box.worker = std::string(document.at("Labels").at(labels::worker).as_string());
  box.user = environment(document, "ELASTICIO_API_USERNAME");
  box.stubborn = chance_.percent(5);
  const auto id = box.id;
  boxes_.emplace(id, std::move(box));
  return said(201, {{"Id", id}});
}

EngineAnswer Machine::start(Box& box) {
  if (box.state == State::running) return {304, {}};
  if (!calm && chance_.percent(3)) return refused(500, "cannot start: OCI runtime error");
  box.revived = box.state == State::exited;
  box.state = State::running;
  box.life = ++last_;
  if (events.runs) events.runs(box);
  return {204, {}};
}

EngineAnswer Machine::kill(Box& box, bool by_force) {
  if (box.state != State::running) return refused(409, "is not running");
  if (by_force) {
    if (events.will_be_forced) events.will_be_forced(box);
    end(box.id, 137);
  } else if (!box.stubborn || calm) {
    loop_.after(chance_.between(std::chrono::milliseconds(1), std::chrono::seconds(3)),
                [this, id = box.id] { end(id, 0); });
  }
  return {204, {}};
}

EngineAnswer Machine::remove(Box& box, bool by_force) {
  if (box.state == State::running && !by_force) return refused(409, "container is running: stop it before removing");
  if (box.state == State::running) {
    if (events.will_be_forced) events.will_be_forced(box);
    end(box.id, 137);
  }
  boxes_.erase(box.id);
  return {204, {}};
}

EngineAnswer Machine::inspect(const Box& box) const {
  constexpr std::array<std::string_view, 3> names = {"created", "running", "exited"};
  auto config = box.create_body.empty() ? json::object{{"Env", json::array{}}, {"Labels", json::object{}}}
                                        : json::parse(box.create_body).as_object();
  const json::object state{{"Status", names[static_cast<std::size_t>(box.state)]},
                           {"Running", box.state == State::running},
                           {"OOMKilled", box.out_of_memory},
                           {"ExitCode", box.exit_code},
                           {"Error", ""}};
  return said(200, {{"Id", box.id}, {"State", state}, {"Config", std::move(config)}});
}

/// What the filter for our label leaves.
EngineAnswer Machine::list() const {
  json::array all;
  for (const auto& [id, box] : boxes_) {
    if (!box.foreign) all.push_back({{"Id", id}, {"Names", json::array{"/" + box.name}}, {"Image", box.image}});
  }
  return said(200, all);
}

void Machine::when_ended(const std::string& id, std::function<void()> call) {
  auto* const box = known(id);
  if (box == nullptr || box->state != State::running) return loop_.post(std::move(call));
  box->when_ended.push_back(std::move(call));
}

void Machine::end(const std::string& id, int exit_code, bool out_of_memory) {
  const auto found = boxes_.find(id);
  if (found == boxes_.end() || found->second.state != State::running) return;
  found->second.state = State::exited;
  found->second.exit_code = exit_code;
  found->second.out_of_memory = out_of_memory;
  if (events.ended) events.ended(found->second);
  for (auto& call : std::exchange(found->second.when_ended, {})) loop_.post(std::move(call));
}

void Machine::set_away(bool away) {
  away_ = away;
  if (!away) return;
  for (const auto& call : std::exchange(when_away, {})) call();
  for (auto& [id, box] : boxes_) box.when_ended.clear();
}

void Machine::people_remove(const std::string& id) {
  end(id, 137);
  boxes_.erase(id);
}

/// Somebody has run what `docker inspect` told them.
void Machine::people_copy(const std::string& id) {
  auto copy = boxes_.at(id);
  copy.id = fmt::format("{:064x}", ++last_);
  copy.name = fmt::format("copy-{}", last_);
  copy.copy = true;
  copy.when_ended.clear();
  boxes_.emplace(copy.id, copy);
}

void Machine::add_foreign(const std::string& name) {
  Box box;
  box.id = fmt::format("{:064x}", ++last_);
  box.name = name;
  box.foreign = true;
  box.state = State::running;
  boxes_.emplace(box.id, box);
}

struct EngineLink::Asked {
  EngineCall call;
  Done done;
  bool told = false;
};

void EngineLink::tell_later(const std::shared_ptr<Asked>& asked, Result<EngineAnswer> answer) {
  const auto delay = chance_.between(std::chrono::milliseconds(0), std::chrono::milliseconds(80));
  loop_.after(delay, [alive = alive_, asked, answer = std::move(answer)] {
    if (*alive && !std::exchange(asked->told, true)) asked->done(answer);
  });
}

void EngineLink::call(EngineCall call, Done done) {
  const auto asked = std::make_shared<Asked>(Asked{std::move(call), std::move(done)});
  const Error lost{Error::Kind::unavailable, "the engine cannot be reached"};
  if (machine_.is_away()) return tell_later(asked, lost);
  machine_.when_away.push_back([this, alive = alive_, asked, lost] {
    if (*alive) tell_later(asked, lost);
  });
  const auto timeout = asked->call.timeout;
  if (timeout.count() > 0) {
    loop_.after(timeout, [alive = alive_, asked, lost] {
      if (*alive && !std::exchange(asked->told, true)) asked->done(lost);
    });
  }
  const bool slow = !machine_.calm && chance_.percent(2);
  const auto delay = slow ? chance_.between(std::chrono::seconds(1), std::chrono::seconds(150))
                          : chance_.between(std::chrono::milliseconds(0), std::chrono::milliseconds(60));
  loop_.after(delay, [this, alive = alive_, asked] {
    if (*alive && !machine_.is_away()) carry_out(asked);
  });
}

void EngineLink::carry_out(const std::shared_ptr<Asked>& asked) {
  const auto& path = asked->call.path;
  const bool waits = path.find("/wait?") != std::string::npos || path.find("/logs?") != std::string::npos;
  if (!waits || machine_.find(path.substr(path.find("containers/") + 11, 64)) == nullptr) {
    auto answer = machine_.answer(asked->call);
    const bool answer_lost = !machine_.calm && chance_.percent(2) && asked->call.timeout.count() > 0;
    if (!answer_lost) tell_later(asked, std::move(answer));
    return;
  }
  const auto id = path.substr(path.find("containers/") + 11, 64);
  machine_.when_ended(id, [this, alive = alive_, asked] {
    if (*alive && !machine_.is_away()) tell_later(asked, machine_.answer(asked->call));
  });
}

}  // namespace millrace::simulation
