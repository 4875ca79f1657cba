#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "api/event_reader.hpp"
#include "io/loop.hpp"

namespace millrace::api {

/// What happens on a platform, for live screens: server-sent events that go to all who listen.
///
/// The last events_max are kept, so that a reader who comes again with the id of its last one misses none; if that is
/// too long ago, or was in an earlier life of the platform, it gets `reset` first: what it knows must be read anew.
/// Events are not history: nothing is stored. Thread: the loop's.
class Events {
 public:
  static constexpr std::size_t events_max = 1'000;

  /// `life`: tells ids of this life of the platform from those of others.
  Events(io::Loop& loop, std::string life) : loop_(loop), life_(std::move(life)), readers_(loop) {}

  /// `subject`: what happened to which flow, worker, dead letter; `at` and `type` are added.
  void add(std::string_view type, boost::json::object subject);
  /// To those who listen now, and not kept: numbers that are soon others.
  void show(std::string_view type, const std::string& flow, const boost::json::object& subject);
  bool is_watched() const { return !readers_.empty(); }

  /// The events of one flow, or of all, from behind `last_id` on; empty: from now on. `begin` sends more at first.
  io::posix::HttpResponse follow(const std::string& flow, const std::string& last_id,
                                 std::function<void(EventReader&)> begin);

 private:
  struct Event {
    std::uint64_t number = 0;
    std::string type;
    std::string flow;
    std::string data;
  };

  void send(EventReader& reader, const Event& event) const;
  void send_missed(EventReader& reader, const std::string& flow, const std::string& last_id) const;

  io::Loop& loop_;
  const std::string life_;
  std::deque<Event> events_;
  std::uint64_t last_ = 0;
  EventReaders<std::string> readers_;  ///< by the flow that they are interested in; empty: all
};

}  // namespace millrace::api
