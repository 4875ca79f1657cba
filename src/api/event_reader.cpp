#include "api/event_reader.hpp"

#include <fmt/format.h>

namespace millrace::api {

EventReader::EventReader(io::Loop& loop, std::shared_ptr<io::posix::HttpStream> stream)
    : loop_(loop), stream_(std::move(stream)) {
  beat();
}

EventReader::~EventReader() {
  loop_.cancel(timer_);
}

void EventReader::send(std::string_view event, std::string_view id, std::string_view data) {
  const auto head = id.empty() ? std::string() : fmt::format("id: {}\n", id);
  stream_->write(fmt::format("{}event: {}\ndata: {}\n\n", head, event, data));
}

void EventReader::beat() {
  stream_->write(":\n\n");
  timer_ = loop_.after(heartbeat, [this] { beat(); });
}

}  // namespace millrace::api
