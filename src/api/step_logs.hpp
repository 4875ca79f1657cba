#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "api/event_reader.hpp"
#include "core/log_line.hpp"
#include "io/loop.hpp"

namespace millrace::api {

/// The last lines of the log that are about each flow's steps: what its workers wrote, and what became of them. In
/// memory only, for a look at what happens; who wants to keep all of it keeps the platform's own log.
///
/// Bounds: of each step lines_max lines and step_size_max bytes, the last ones; of all steps together size_max bytes,
/// then the older half of each step's goes. Thread: the loop's.
class StepLogs {
 public:
  static constexpr std::size_t lines_max = 1'000;
  static constexpr std::size_t step_size_max = 256u << 10;
  static constexpr std::size_t size_max = 32u << 20;

  struct Entry {
    std::uint64_t id = 0;  ///< counts from 1 since the platform's start
    log::Line line;        ///< with the facts flow and step
    std::size_t size = 0;  ///< bytes, about

    boost::json::object to_json() const;
  };

  /// Which lines; what is empty does not matter.
  struct Query {
    std::string flow;
    std::string step = {};
    log::Level level_min = log::Level::debug;
    std::int64_t since = 0;   ///< ms since the Unix epoch
    std::uint64_t after = 0;  ///< an Entry::id

    bool means(const Entry& entry) const;
  };

  explicit StepLogs(io::Loop& loop) : readers_(loop) {}

  /// A line with the facts flow and step; others are not kept.
  void add(const log::Line& line);
  /// The last `limit` of those that the query means, oldest first.
  std::vector<const Entry*> last(const Query& query, std::size_t limit) const;
  bool knows(const std::string& flow, const std::string& step) const;
  /// The flow is gone.
  void forget(const std::string& flow);

  /// As server-sent events `log`: those that last() gives, then those that come, from an id that a reader has on.
  io::posix::HttpResponse follow(const Query& query, std::size_t limit);

 private:
  struct Lines {
    std::deque<Entry> entries;
    std::size_t size = 0;
  };
  using Key = std::pair<std::string, std::string>;  ///< flow, step

  void drop_front(Lines& lines);

  std::map<Key, Lines> steps_;
  std::size_t size_ = 0;
  std::uint64_t last_id_ = 0;
  EventReaders<Query> readers_;
};

}  // namespace millrace::api
