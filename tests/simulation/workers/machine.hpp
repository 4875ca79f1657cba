#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chance.hpp"
#include "io/sim/loop.hpp"
#include "orchestrator/driver/docker/engine.hpp"

namespace millrace::simulation {

using orchestrator::docker::EngineAnswer;
using orchestrator::docker::EngineCall;

/// A fake: a Docker Engine in memory, as far as the driver asks it, with the machine that its containers run on. It
/// outlives platforms. It can be away, answer late or not at all (having done what was asked or not), lack images, and
/// have people who kill, remove and copy containers.
class Machine {
 public:
  struct Box {
    enum class State { created, running, exited };
    std::string id;
    std::string name;
    std::string image;
    std::string create_body;  ///< as it was made
    std::string worker;       ///< label
    std::string user;         ///< in its environment
    State state = State::created;
    int exit_code = 0;
    bool out_of_memory = false;
    bool foreign = false;    ///< not made through the driver, and without its label
    bool copy = false;       ///< made by people, with the label of one of ours
    bool revived = false;    ///< a start that nobody waited for any more has run it again after its end
    bool stubborn = false;   ///< does not heed SIGTERM
    std::uint64_t life = 0;  ///< of its last start
    std::vector<std::function<void()>> when_ended = {};
  };
  struct Events {
    std::function<void(const Box&)> runs;            ///< one has been started
    std::function<void(const Box&)> will_be_forced;  ///< SIGKILL, or removal while it runs, asked by the driver
    std::function<void(const Box&)> ended;
  };

  Machine(io::sim::SimLoop& loop, Chance& chance) : loop_(loop), chance_(chance) {}

  // What the driver asks.
  EngineAnswer answer(const EngineCall& call);
  /// Called when it has ended, at once if it has; never if there is none.
  void when_ended(const std::string& id, std::function<void()> call);
  const Box* find(const std::string& id_or_name) const;

  // What happens to it.
  void set_away(bool away);
  bool is_away() const { return away_; }
  bool has_image = true;
  bool calm = false;  ///< nothing goes wrong any more
  void end(const std::string& id, int exit_code, bool out_of_memory = false);
  void people_remove(const std::string& id);
  void people_copy(const std::string& id);
  void add_foreign(const std::string& name);

  const std::map<std::string, Box>& boxes() const { return boxes_; }
  Events events;
  std::uint64_t mutations_of_foreign = 0;
  std::vector<std::function<void()>> when_away;  ///< called and cleared when it goes away

 private:
  EngineAnswer create(const std::string& name, const std::string& body);
  EngineAnswer start(Box& box);
  EngineAnswer kill(Box& box, bool by_force);
  EngineAnswer remove(Box& box, bool by_force);
  EngineAnswer inspect(const Box& box) const;
  EngineAnswer list() const;
  Box* known(const std::string& id_or_name);

  io::sim::SimLoop& loop_;
  Chance& chance_;
  std::map<std::string, Box> boxes_;  ///< by id
  bool away_ = false;
  bool has_network_ = false;
  std::uint64_t last_ = 0;
};

/// A platform's way to the machine: it ends with the platform, and nothing comes over it afterwards.
class EngineLink final : public orchestrator::docker::Engine {
 public:
  EngineLink(io::sim::SimLoop& loop, Chance& chance, Machine& machine)
      : loop_(loop), chance_(chance), machine_(machine) {}
  ~EngineLink() override { *alive_ = false; }

  void call(EngineCall call, Done done) override;
  std::string name() const override { return "simulated"; }

 private:
  struct Asked;
  void carry_out(const std::shared_ptr<Asked>& asked);
  void tell_later(const std::shared_ptr<Asked>& asked, Result<EngineAnswer> answer);

  io::sim::SimLoop& loop_;
  Chance& chance_;
  Machine& machine_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::simulation
