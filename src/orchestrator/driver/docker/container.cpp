#include "orchestrator/driver/docker/container.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::orchestrator::docker {
namespace {

constexpr std::chrono::milliseconds for_ever{0};
constexpr std::chrono::minutes for_a_busy_engine{2};  // that makes a hundred containers at once
constexpr std::chrono::seconds rest_of_output{2};     // how long the output of one that has ended may still come
constexpr int refusals_max = 5;
constexpr std::chrono::milliseconds short_pause{200};
constexpr int ways_max = 50;  // times short_pause: a removal that lasts longer is a failure

std::string id_in(const std::string& text) {
  boost::system::error_code failed;
  const auto document = boost::json::parse(text, failed);
  const auto* id = failed || !document.is_object() ? nullptr : document.get_object().if_contains("Id");
  return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

}  // namespace

Container::Container(Site& site, Launch launch, WorkerEvents events)
    : site_(site),
      launch_(std::move(launch)),
      events_(std::move(events)),
      lines_([this](std::string_view line) { site_.output(launch_.worker.name(), line); }) {}

/// The continuation of a call: not called when we are gone.
template <class Member>
Engine::Done Container::then(Member member) {
  return [weak = weak_from_this(), member](Result<EngineAnswer> answer) {
    if (const auto self = weak.lock()) ((*self).*member)(std::move(answer));
  };
}

void Container::ask(std::string method, const std::string& path_below, Engine::Done done, std::string body,
                    std::chrono::milliseconds timeout) {
  EngineCall call;
  call.method = std::move(method);
  call.path = ground_.api + path_below;
  call.body = std::move(body);
  call.timeout = timeout;
  site_.engine.call(std::move(call), std::move(done));
}

void Container::again(void (Container::*step)(), std::chrono::milliseconds delay) {
  site_.loop.after(delay, [weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) ((*self).*step)();
  });
}

void Container::begin() {
  site_.groundwork.make([weak = weak_from_this()](Result<Ground> ground) {
    if (const auto self = weak.lock()) self->grounded(std::move(ground));
  });
}

void Container::grounded(Result<Ground> ground) {
  if (stage_ != Stage::preparing) return;
  if (!ground) return could_not_start(ground.error().message);
  ground_ = std::move(*ground);
  const auto& name = launch_.image.empty() ? site_.image : launch_.image;
  site_.images.find(ground_.api, name, [weak = weak_from_this()](Result<Image> image) {
    if (const auto self = weak.lock()) self->image_found(std::move(image));
  });
}

void Container::image_found(Result<Image> image) {
  if (stage_ != Stage::preparing) return;
  if (!image) return could_not_start(image.error().message);
  const auto& name = launch_.image.empty() ? site_.image : launch_.image;
  spec_ = container_spec(site_.platform, launch_, *image, name, ground_.network, ground_.doors);
  stage_ = Stage::creating;
  create();
}

void Container::create() {
  ask("POST", "/containers/create?name=" + spec_.name, then(&Container::created), spec_.body, for_a_busy_engine);
}

/// If the answer is lost it may exist, but it does not run; who comes next makes way.
void Container::created(Result<EngineAnswer> answer) {
  if (!answer) return could_not_start(answer.error().message);
  if (answer->status == 409 && ways_made_ < ways_max) return make_way();
  if (!answer->ok()) return could_not_start(answer->message());
  id_ = id_in(answer->body);
  if (id_.empty()) return could_not_start("the engine did not say what it has made");
  if (wish_ != Wish::run) return has_ended({.reason = "was taken back before it ran"});
  start();
}

/// Something has our container's name: if it is ours, it is from an earlier start, and goes.
void Container::make_way() {
  ++ways_made_;
  ask("GET", "/containers/" + spec_.name + "/json", then(&Container::name_holder_seen));
}

void Container::name_holder_seen(Result<EngineAnswer> answer) {
  if (!answer) return could_not_start(answer.error().message);
  if (answer->status == 404) return create();
  const auto state = ContainerState::read(answer->body, site_.platform);
  if (!answer->ok() || !state) return could_not_start(answer->message());
  if (!state->is_ours) {
    return could_not_start(
        fmt::format("a container {} that is not ours stands in the way (remove or rename it)", spec_.name));
  }
  ask("DELETE", "/containers/" + state->id + "?force=1&v=1",
      [weak = weak_from_this()](const Result<EngineAnswer>& gone) {
        const auto self = weak.lock();
        if (!self) return;
        if (!gone) return self->could_not_start(gone.error().message);
        if (gone->ok()) return self->create();
        self->again(&Container::create, short_pause);  // it is being removed already
      });
}

void Container::start() {
  stage_ = Stage::running;
  ask("POST", "/containers/" + id_ + "/start", then(&Container::start_answered), {}, for_a_busy_engine);
}

void Container::start_answered(Result<EngineAnswer> answer) {
  if (!answer) return again(&Container::look);  // it may run
  if (!answer->ok() && answer->status != 304) {
    return has_ended({.reason = "could not be started: " + answer->message()});
  }
  run();
}

void Container::resume(const std::string& id) {
  ground_ = *site_.groundwork.ground();
  id_ = id;
  spec_.name = container_name(site_.platform, launch_.worker);
  stage_ = Stage::running;
  told_started_ = true;
  output_since_ = std::chrono::duration_cast<std::chrono::seconds>(site_.loop.wall_now().time_since_epoch()).count();
  run();
}

void Container::run() {
  if (!std::exchange(told_started_, true)) {
    events_.started();
    if (wish_ != Wish::run) send_signal();
  }
  follow_output();
  wait();
}

void Container::wait() {
  EngineCall call;
  call.method = "POST";
  call.path = ground_.api + "/containers/" + id_ + "/wait?condition=not-running";
  call.timeout = for_ever;
  site_.engine.call(std::move(call), [weak = weak_from_this()](const Result<EngineAnswer>& answer) {
    const auto self = weak.lock();
    if (!self) return;
    if (answer && answer->ok()) return self->look();
    self->again(&Container::look);
  });
}

void Container::look() {
  ask("GET", "/containers/" + id_ + "/json", then(&Container::seen));
}

void Container::seen(Result<EngineAnswer> answer) {
  if (stage_ != Stage::running) return;
  if (answer && answer->status == 404) {
    exit_ = {.reason = "its container was removed from outside"};
    return finish();
  }
  if (!answer || !answer->ok()) return again(&Container::look);
  const auto state = ContainerState::read(answer->body, site_.platform);
  if (!state) return again(&Container::look);
  if (state->running) return run();
  if (state->created && wish_ == Wish::run) return start();  // what was asked for was lost, or comes late
  has_ended(state->exit());
}

void Container::follow_output() {
  if (std::exchange(following_, true)) return;
  EngineCall call;
  call.path = fmt::format("{}/containers/{}/logs?follow=1&stdout=1&stderr=1&since={}", ground_.api, id_, output_since_);
  call.timeout = for_ever;
  const auto frames = std::make_shared<LogFrames>([weak = weak_from_this()](std::string_view text) {
    if (const auto self = weak.lock()) self->lines_.take(text, self->site_.loop.steady_now());
  });
  call.on_body = [frames](std::string_view piece) { frames->take(piece); };
  site_.engine.call(std::move(call), [weak = weak_from_this()](const Result<EngineAnswer>&) {
    const auto self = weak.lock();
    if (!self) return;
    self->following_ = false;
    const auto now = self->site_.loop.wall_now().time_since_epoch();
    self->output_since_ = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    if (self->stage_ == Stage::ending) self->remove();
  });
}

void Container::terminate() {
  if (wish_ != Wish::run || stage_ == Stage::ended) return;
  wish_ = Wish::terminate;
  if (stage_ == Stage::preparing) return could_not_start("it was not wanted any more");
  if (stage_ == Stage::running && told_started_) send_signal();
}

void Container::kill() {
  if (wish_ == Wish::kill || stage_ == Stage::ended) return;
  wish_ = Wish::kill;
  if (stage_ == Stage::preparing) return could_not_start("it took too long");
  if (stage_ == Stage::running && told_started_) send_signal();
}

void Container::send_signal() {
  if (stage_ != Stage::running) return;
  const auto* const signal = wish_ == Wish::kill ? "SIGKILL" : "SIGTERM";
  ask("POST", fmt::format("/containers/{}/kill?signal={}", id_, signal), then(&Container::signal_answered));
}

/// 404 and 409: it does not run any more, and wait() will tell.
void Container::signal_answered(Result<EngineAnswer> answer) {
  if (!answer || answer->status >= 500) again(&Container::send_signal);
}

void Container::has_ended(Exit exit) {
  exit_ = std::move(exit);
  stage_ = Stage::ending;
  if (!following_) return remove();
  site_.loop.after(rest_of_output, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->following_) self->remove();
  });
}

void Container::remove() {
  if (stage_ != Stage::ending) return;
  following_ = false;
  ask("DELETE", "/containers/" + id_ + "?v=1", then(&Container::removed));
}

void Container::removed(Result<EngineAnswer> answer) {
  const bool gone = answer && (answer->ok() || answer->status == 404);
  if (answer && answer->status == 409 && answer->message().find("running") != std::string::npos)
    return runs_after_all();
  if (!gone && (!answer || ++refusals_ < refusals_max)) return again(&Container::remove);
  if (!gone) {
    log::warning("a container that has ended cannot be removed",
                 {{"container", spec_.name}, {"reason", answer->message()}});
  }
  finish();
}

/// It had been seen before its start took effect.
void Container::runs_after_all() {
  stage_ = Stage::running;
  if (told_started_) send_signal();
  look();
}

void Container::could_not_start(const std::string& why) {
  exit_ = {.reason = "could not be started: " + why};
  finish();
}

/// Never from inside a call to the driver.
void Container::finish() {
  if (stage_ == Stage::ended) return;
  stage_ = Stage::ended;
  site_.loop.post([self = shared_from_this()] {
    self->lines_.finish(self->site_.loop.steady_now());
    self->exit_.last_output = self->lines_.last_output();
    self->events_.ended(std::move(self->exit_));
  });
}

}  // namespace millrace::orchestrator::docker
