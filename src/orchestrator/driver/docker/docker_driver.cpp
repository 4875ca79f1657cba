#include "orchestrator/driver/docker/docker_driver.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "core/check.hpp"
#include "core/log.hpp"

namespace millrace::orchestrator {
namespace json = boost::json;
using docker::Container;
using docker::ContainerState;
using docker::EngineAnswer;
using docker::Ground;
using docker::Image;

namespace {

constexpr std::chrono::minutes between_sweeps{1};
constexpr std::chrono::seconds after_return{1};  // the engine is back, and we have asked for what we need ourselves
constexpr std::chrono::seconds survivors_patience{10};
constexpr std::chrono::seconds patience_at_the_end{10};

std::string text_of(const json::object& of, std::string_view name) {
  const auto* value = of.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

/// One line of the engine's list.
struct DockerDriver::Found {
  std::string id;
  std::string name;
  std::string image;
};

struct DockerDriver::Left {
  ContainerState state;
  std::string image_name;
  Image image;  ///< what that name stands for now
};

/// The survivors, one looked at after the other.
struct DockerDriver::Search {
  std::vector<Found> to_do;
  std::vector<Survivor> survivors;
  std::function<void(std::vector<Survivor>)> found;

  void tell() {
    if (found) std::exchange(found, nullptr)(std::move(survivors));
  }
};

DockerDriver::DockerDriver(io::Loop& loop, std::unique_ptr<docker::Engine> engine, Settings settings)
    : loop_(loop),
      engine_(loop, std::move(engine)),
      groundwork_(engine_, {settings.platform, settings.network, std::move(settings.open_doors)}),
      images_(engine_, std::move(settings.logins)),
      site_{loop, engine_, groundwork_, images_, settings.platform, settings.image, std::move(settings.output)},
      is_new_(settings.is_new) {
  engine_.watch([this] { groundwork_.forget(); }, [this] { sweep_later(after_return); });
}

DockerDriver::~DockerDriver() {
  *alive_ = false;
  loop_.cancel(sweep_timer_);
}

WorkerEvents DockerDriver::events_of(WorkerHandle worker, WorkerEvents events) {
  WorkerEvents result;
  result.started = std::move(events.started);
  result.ended = [this, alive = alive_, worker, ended = std::move(events.ended)](Exit exit) {
    if (!*alive) return;
    containers_.erase(worker);
    ended(std::move(exit));
  };
  return result;
}

WorkerHandle DockerDriver::start(const Launch& launch, WorkerEvents events) {
  is_used_ = true;
  const auto worker = ++last_handle_;
  const auto container = std::make_shared<Container>(site_, launch, events_of(worker, std::move(events)));
  containers_.emplace(worker, container);
  loop_.post([container, alive = alive_] {
    if (*alive) container->begin();
  });
  return worker;
}

void DockerDriver::terminate(WorkerHandle worker) {
  const auto found = containers_.find(worker);
  if (found != containers_.end()) found->second->terminate();
}

void DockerDriver::kill(WorkerHandle worker) {
  const auto found = containers_.find(worker);
  if (found != containers_.end()) found->second->kill();
}

Whereabouts DockerDriver::whereabouts(WorkerHandle worker) const {
  constexpr std::size_t digits = 12;
  const auto found = containers_.find(worker);
  return {.container = found == containers_.end() ? std::string() : found->second->id().substr(0, digits)};
}

void DockerDriver::list(std::function<void(Result<std::vector<Found>>)> listed) {
  groundwork_.make([this, listed = std::move(listed)](const Result<Ground>& ground) {
    if (!ground) return listed(ground.error());
    const auto filter = fmt::format(R"({{"label":["{}={}"]}})", docker::labels::platform, site_.platform);
    const auto query = boost::urls::encode(filter, boost::urls::unreserved_chars);
    engine_.call({.path = ground->api + "/containers/json?all=1&filters=" + query},
                 [listed](const Result<EngineAnswer>& answer) {
                   if (!answer) return listed(answer.error());
                   boost::system::error_code failed;
                   const auto document = json::parse(answer->body, failed);
                   if (!answer->ok() || failed || !document.is_array()) {
                     return listed(Error{Error::Kind::unavailable, answer->message()});
                   }
                   std::vector<Found> result;
                   for (const auto& entry : document.get_array()) {
                     if (!entry.is_object()) continue;
                     const auto& one = entry.get_object();
                     const auto* name = entry.find_pointer("/Names/0", failed);
                     const bool named = name != nullptr && name->is_string() && !name->get_string().empty();
                     result.push_back({text_of(one, "Id"), named ? std::string(name->get_string().subview(1)) : "",
                                       text_of(one, "Image")});
                   }
                   listed(std::move(result));
                 });
  });
}

void DockerDriver::find_survivors(std::function<void(std::vector<Survivor>)> found) {
  if (is_new_) {
    searched_ = true;
    return loop_.post([alive = alive_, found = std::move(found)] {
      if (*alive) found({});
    });
  }
  is_used_ = true;
  const auto search = std::make_shared<Search>();
  search->found = std::move(found);
  const auto give_up = loop_.after(survivors_patience, [this, alive = alive_, search] {
    if (!*alive) return;
    searched_ = true;
    search->survivors.clear();
    sweep_later(between_sweeps);
    search->tell();
  });
  list([this, search, give_up](Result<std::vector<Found>> all) {
    if (searched_) return;
    if (all) {
      for (auto& one : *all) {
        if (!is_known(one)) search->to_do.push_back(std::move(one));
      }
    }
    loop_.cancel(give_up);
    look_at_next(search);
  });
}

/// Running ones may be wanted. Others only take names away, and go.
void DockerDriver::look_at_next(const std::shared_ptr<Search>& search) {
  if (search->to_do.empty()) {
    searched_ = true;
    sweep_later(between_sweeps);
    return search->tell();
  }
  const auto next = std::move(search->to_do.back());
  search->to_do.pop_back();
  const auto& api = groundwork_.ground() ? groundwork_.ground()->api : std::string();
  const auto path = api + "/containers/" + next.id + "/json";
  engine_.call({.path = path}, [this, search, next, api](const Result<EngineAnswer>& answer) {
    auto state = answer && answer->ok() ? ContainerState::read(answer->body, site_.platform)
                                        : Result<ContainerState>(Error{Error::Kind::unavailable, "no answer"});
    if (!state || !state->is_ours || !state->running) {
      if (state && state->is_ours) remove(state->id, "it has ended, and is from an earlier run");
      return look_at_next(search);
    }
    images_.look(api, next.image, [this, search, next, state = *state](const Result<Image>& image) {
      const auto handle = ++last_handle_;
      search->survivors.push_back({handle, state.worker, state.credentials});
      left_.emplace(handle, Left{state, next.image, image ? *image : Image{}});
      look_at_next(search);
    });
  });
}

bool DockerDriver::adopt(WorkerHandle survivor, const Launch& launch, WorkerEvents events) {
  const auto found = left_.find(survivor);
  MILLRACE_CHECK(found != left_.end(), "a survivor that was not found is adopted");
  const auto& [state, image_name, image] = found->second;
  const auto& wanted_image = launch.image.empty() ? site_.image : launch.image;
  if (!groundwork_.ground() || image.id.empty()) return false;
  const auto& ground = *groundwork_.ground();
  const auto spec = docker::container_spec(site_.platform, launch, image, wanted_image, ground.network, ground.doors);
  const bool fits = image_name == wanted_image && state.made_as == spec.made_as;
  if (!fits) return false;
  const auto container = std::make_shared<Container>(site_, launch, events_of(survivor, std::move(events)));
  containers_.emplace(survivor, container);
  container->resume(state.id);
  left_.erase(found);
  return true;
}

void DockerDriver::discard(WorkerHandle survivor) {
  const auto found = left_.find(survivor);
  if (found == left_.end()) return;
  remove(found->second.state.id, "it is from an earlier run, and not as it would be made now");
  left_.erase(found);
}

/// If it fails the next sweep finds it again.
void DockerDriver::remove(const std::string& id, std::string_view why, std::function<void()> then) {
  if (!groundwork_.ground()) return then();
  log::info("container removed", {{"container", id.substr(0, 12)}, {"why", std::string(why)}});
  engine_.call({.method = "DELETE", .path = groundwork_.ground()->api + "/containers/" + id + "?force=1&v=1"},
               [then = std::move(then)](const Result<EngineAnswer>&) { then(); });
}

void DockerDriver::sweep_later(std::chrono::milliseconds delay) {
  loop_.cancel(sweep_timer_);
  sweep_timer_ = loop_.after(delay, [this] { sweep(); });
}

bool DockerDriver::is_known(const Found& found) const {
  for (const auto& [worker, container] : containers_) {
    if (container->id() == found.id || container->name() == found.name) return true;
  }
  for (const auto& [worker, left] : left_) {
    if (left.state.id == found.id) return true;
  }
  return false;
}

void DockerDriver::sweep() {
  sweep_later(between_sweeps);
  if (!searched_) return;
  list([this](const Result<std::vector<Found>>& all) {
    if (!all) return;
    for (const auto& found : *all) {
      if (!is_known(found)) remove(found.id, "it belongs to no worker");
    }
  });
}

void DockerDriver::close(std::function<void()> closed) {
  loop_.cancel(std::exchange(sweep_timer_, 0));
  engine_.watch(nullptr, nullptr);
  if (!is_used_) return closed();
  const auto once = std::make_shared<std::function<void()>>(std::move(closed));
  const auto tell = [once] {
    if (*once) std::exchange(*once, nullptr)();
  };
  loop_.after(patience_at_the_end, [alive = alive_, tell] {
    if (*alive) tell();
  });
  list([this, tell](const Result<std::vector<Found>>& all) {
    if (!all) return tell();
    const auto left = std::make_shared<std::size_t>(all->size() + 1);
    const auto one_less = [this, left, tell] {
      if (--*left == 0) groundwork_.remove_network(tell);
    };
    for (const auto& found : *all) remove(found.id, "it was left behind", one_less);
    one_less();
  });
}

}  // namespace millrace::orchestrator
