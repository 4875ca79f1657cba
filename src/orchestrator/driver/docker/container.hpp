#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/loop.hpp"
#include "orchestrator/driver.hpp"
#include "orchestrator/driver/docker/container_state.hpp"
#include "orchestrator/driver/docker/groundwork.hpp"
#include "orchestrator/driver/docker/images.hpp"
#include "orchestrator/driver/docker/log_frames.hpp"
#include "orchestrator/driver/output_lines.hpp"

namespace millrace::orchestrator::docker {

/// What the containers of one driver share. Outlives them.
struct Site {
  io::Loop& loop;
  Engine& engine;
  Groundwork& groundwork;
  Images& images;
  std::string platform;
  std::string image;  ///< of launches that name none
  std::function<void(const std::string& worker, std::string_view line)> output;
};

/// One worker's container from its making to its removal. It survives an engine that goes away: what was asked is asked
/// again until it is known how it came out. `ended` is called once it is removed, or certain that it never ran.
class Container : public std::enable_shared_from_this<Container> {
 public:
  Container(Site& site, Launch launch, WorkerEvents events);

  /// Image, container, start.
  void begin();
  /// Goes on with one that runs already; `started` is not called.
  void resume(const std::string& id);
  void terminate();
  void kill();

  const std::string& id() const { return id_; }
  /// What the engine calls it, from the moment that it may exist.
  const std::string& name() const { return spec_.name; }

 private:
  enum class Stage {
    preparing,  ///< nothing of it exists yet
    creating,   ///< it exists or may exist, but has not run
    running,    ///< it runs, or may run
    ending,     ///< it has ended and is removed
    ended
  };
  enum class Wish { run, terminate, kill };

  template <class Member>
  Engine::Done then(Member member);
  void ask(std::string method, const std::string& path_below, Engine::Done done, std::string body = {},
           std::chrono::milliseconds timeout = std::chrono::seconds(30));
  void again(void (Container::*step)(), std::chrono::milliseconds delay = std::chrono::seconds(1));

  void grounded(Result<Ground> ground);
  void image_found(Result<Image> image);
  void create();
  void created(Result<EngineAnswer> answer);
  void make_way();
  void name_holder_seen(Result<EngineAnswer> answer);
  void start();
  void start_answered(Result<EngineAnswer> answer);
  void run();
  void wait();
  void look();
  void seen(Result<EngineAnswer> answer);
  void follow_output();
  void send_signal();
  void signal_answered(Result<EngineAnswer> answer);
  void has_ended(Exit exit);
  void remove();
  void removed(Result<EngineAnswer> answer);
  void runs_after_all();
  void could_not_start(const std::string& why);
  void finish();

  Site& site_;
  Launch launch_;
  WorkerEvents events_;
  Stage stage_ = Stage::preparing;
  Wish wish_ = Wish::run;
  Ground ground_;
  ContainerSpec spec_;
  std::string id_;
  Exit exit_;
  OutputLines lines_;
  std::int64_t output_since_ = 0;  ///< seconds of the Unix epoch; 0: from its beginning
  bool following_ = false;
  int ways_made_ = 0;
  bool told_started_ = false;
  int refusals_ = 0;  ///< of its removal
};

}  // namespace millrace::orchestrator::docker
