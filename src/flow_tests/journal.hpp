#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "component/step_watch.hpp"
#include "flow_tests/stubs.hpp"
#include "flow_tests/trace.hpp"
#include "io/loop.hpp"

namespace millrace::flow_tests {

/// Writes the trace of one case over all lives of its platform, and knows what a crash has made a step do again: the
/// same try of the same message. A call that is made again gets the answer that was lost, as the same target would give
/// it; one that is new takes the stubs' next.
class Journal {
 public:
  Journal(Stubs& stubs, io::WallTime began) : stubs_(stubs), began_(began) {}

  /// A life of the platform begins; the loop lives as long as it.
  void begin_life(const io::Loop& loop);
  Trace& trace() { return trace_; }
  milliseconds now() const { return loop_->wall_now() - began_; }

  void began(const std::string& step, const component::Work& work);
  void ended(const std::string& step, const component::Lineage& lineage, const component::Outcome& outcome);
  /// The answer to a call; nullptr, and the run is broken, if no stub has one.
  const StubAnswer* called(const std::string& step, Stub::Kind kind, boost::json::object request);
  void line(std::string text);
  /// The run cannot go on; the first reason counts.
  void broken(std::string why);

 private:
  /// Step, message, attempt, and a polling trigger's snapshot before the page.
  using TryKey = std::tuple<std::string, std::string, std::uint32_t, std::string>;
  struct Work {
    std::string message_id;
    std::uint32_t attempt = 1;
    std::size_t at = 0;  ///< in trace().tries
  };
  /// Step, message, attempt, and what was called.
  using CallKey = std::tuple<std::string, std::string, std::uint32_t, std::string>;

  Try& place_of(const TryKey& key);
  /// The answer to the first such call of an earlier life that nobody has made again.
  const StubAnswer* take_lost_answer(const CallKey& key);

  Stubs& stubs_;
  io::WallTime began_;
  const io::Loop* loop_ = nullptr;
  Trace trace_;
  std::map<TryKey, std::size_t> tries_;
  std::map<std::pair<std::string, std::string>, std::size_t> open_;  ///< by step and message
  std::map<std::string, Work> current_;                              ///< by step: whose calls are made now
  std::vector<std::pair<CallKey, const StubAnswer*>> answered_;      ///< in this life
  std::multimap<CallKey, const StubAnswer*> lost_;                   ///< answered in earlier ones, in their order
};

/// A step's part of the journal.
class StepJournal final : public component::StepWatch {
 public:
  StepJournal(Journal& journal, std::string step) : journal_(journal), step_(std::move(step)) {}
  void began(const component::Work& work) override { journal_.began(step_, work); }
  void ended(const component::Lineage& lineage, const component::Outcome& outcome) override {
    journal_.ended(step_, lineage, outcome);
  }

 private:
  Journal& journal_;
  std::string step_;
};

}  // namespace millrace::flow_tests
