#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "component/action.hpp"
#include "component/step_settings.hpp"
#include "hosting/host.hpp"

/// The real library in a real Node.js process, hosted as a worker hosts it.
namespace millrace::tests {

constexpr std::chrono::seconds patience{60};

class Output final : public component::Outside {
 public:
  Result<std::unique_ptr<io::Transfers>> transfers() override {
    return Error{Error::Kind::unsupported, "a hosted component brings its own"};
  }
  void write(Stream, std::string_view, const Subject&) override {}
};

struct Program {
  std::string folder = MILL;
  std::vector<std::string> command = {};  ///< empty: the library's usual
};

/// A worker's surroundings for a component's function `name`; the mill's unless `program` says otherwise.
class Hosted {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;
  explicit Hosted(const std::string& name, bool polls = false, std::uint32_t concurrency = 0,
                  const Variables& variables = {}, const Program& program = {}) {
    environment_.flow_id = "the-flow";
    environment_.step_id = "grind";
    environment_.exec_id = environment_.container_id = environment_.workspace_id = environment_.user_id = "x";
    environment_.component = "mill";
    environment_.function = name;
    environment_.listen_messages_on = "the-queue";
    environment_.publish_messages_to = "the-exchange";
    settings_.id = "grind";
    settings_.component = "mill";
    settings_.function = name;
    settings_.config = {{"greeting", "hello"}, {"count", 3}};
    settings_.snapshot = R"({"last":4})";
    settings_.retry.attempts = 3;
    settings_.concurrency = concurrency;
    settings_.program.emplace();
    settings_.program->folder = program.folder;
    settings_.program->command = program.command;
    settings_.program->function = name;
    settings_.program->polls = polls;
    settings_.program->environment = variables;
    const auto host = hosting::make_host(loop_, environment_, [this](const Error& error) {
      lost = error.message;
      loop_.stop();
    });
    auto made = host(settings_, services_);
    REQUIRE_MESSAGE(made, "node and the packages of tests/node_components/mill are needed: ./dev setup");
    action_ = std::move(*made);
  }

  /// Gives it a message; what it comes to is found in `outcomes` by its id.
  void give(const std::string& id, const std::string& body, const std::string& reply_to = "") {
    component::Work work{component::Message::make(id, body), id, "execution-" + id, reply_to, 1, settings_.snapshot};
    action_->process(std::move(work), finish_of(id));
  }

  /// Until `count` messages are finished, or the component is lost.
  void run_until(std::size_t count) {
    wanted_ = count;
    if (finished.size() >= count) return;
    const auto limit = loop_.after(patience, [this] { loop_.stop(); });
    loop_.run();
    loop_.cancel(limit);
  }

  /// The only message's outcome.
  component::Outcome outcome_of(const std::string& body, const std::string& reply_to = "") {
    give("m-1", body, reply_to);
    run_until(1);
    REQUIRE_MESSAGE(finished.contains("m-1"), lost);
    return finished.at("m-1");
  }

  io::posix::AsioLoop& loop() { return loop_; }

  Output output;
  std::string lost;
  std::map<std::string, component::Outcome> finished;  ///< the last word on each message, by its id
  std::deque<std::string> order;                       ///< their ids as they were finished
  std::vector<component::Emission> paged;              ///< what took effect before the last word
  std::vector<component::Emission> late;

 private:
  component::Finish finish_of(const std::string& id) {
    return [this, id](component::Outcome outcome) {
      if (outcome.late) {
        for (auto& emission : outcome.emissions) late.push_back(std::move(emission));
      } else if (outcome.more) {
        for (auto& emission : outcome.emissions) paged.push_back(std::move(emission));
        loop_.post([this, id] { give(id, "{}"); });
      } else {
        finished.insert_or_assign(id, std::move(outcome));
        order.push_back(id);
        if (finished.size() >= wanted_) loop_.stop();
      }
    };
  }

  io::posix::AsioLoop loop_;
  component::WorkerEnvironment environment_;
  component::StepSettings settings_;
  component::Services services_{loop_, output, "the-flow", "grind"};
  std::unique_ptr<component::Action> action_;
  std::size_t wanted_ = 0;
};

}  // namespace millrace::tests
