#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "io/loop.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// One reader of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): what is sent to
/// it goes out at once, and a comment now and then, so that it and all in between know that the connection lives. One
/// that does not keep up is let go (HttpStream::unread_max). Thread: the loop's. The loop outlives it.
class EventReader {
 public:
  static constexpr std::chrono::seconds heartbeat{15};

  EventReader(io::Loop& loop, std::shared_ptr<io::posix::HttpStream> stream);
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  /// `data`: one line, JSON. An empty id leaves the reader's last one as it is.
  void send(std::string_view event, std::string_view id, std::string_view data);

 private:
  void beat();

  io::Loop& loop_;
  std::shared_ptr<io::posix::HttpStream> stream_;
  io::TimerId timer_ = 0;
};

/// The readers of one source, each with what it is interested in. They go when their clients do.
template <class Interest>
class EventReaders {
 public:
  explicit EventReaders(io::Loop& loop) : loop_(loop) {}
  ~EventReaders() { *alive_ = false; }
  EventReaders(const EventReaders&) = delete;
  EventReaders& operator=(const EventReaders&) = delete;

  /// The answer that makes one more reader; `begin` sends what it gets at first.
  io::posix::HttpResponse open(Interest interest, std::function<void(EventReader&)> begin) {
    io::posix::HttpResponse response{200, "text/event-stream", {}, {{"Cache-Control", "no-store"}}};
    response.stream = [this, alive = alive_, interest = std::move(interest),
                       begin = std::move(begin)](std::shared_ptr<io::posix::HttpStream> stream) {
      if (!*alive) return stream->close();
      const auto id = ++last_;
      stream->on_closed([this, alive, id] {
        loop_.post([this, alive, id] {
          if (*alive) readers_.erase(id);
        });
      });
      auto& reader = readers_[id];
      reader.interest = interest;
      reader.events = std::make_unique<EventReader>(loop_, std::move(stream));
      begin(*reader.events);
    };
    return response;
  }

  void each(const std::function<void(EventReader&, const Interest&)>& visit) {
    for (auto& [id, reader] : readers_) visit(*reader.events, reader.interest);
  }

  bool empty() const { return readers_.empty(); }

 private:
  struct Reader {
    Interest interest;
    std::unique_ptr<EventReader> events;
  };

  io::Loop& loop_;
  std::map<std::uint64_t, Reader> readers_;
  std::uint64_t last_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< clients that go after our end find it false
};

}  // namespace millrace::api
