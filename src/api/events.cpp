#include "api/events.hpp"

#include <charconv>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace millrace::api {
namespace {

bool concerns(const std::string& interest, const std::string& flow) {
  return interest.empty() || interest == flow;
}

std::string flow_of(const boost::json::object& subject) {
  const auto* flow = subject.if_contains("flow");
  return flow != nullptr && flow->is_string() ? std::string(flow->get_string()) : std::string();
}

}  // namespace

void Events::add(std::string_view type, boost::json::object subject) {
  subject["type"] = type;
  subject["at"] = loop_.wall_now().time_since_epoch().count();
  const auto& event =
      events_.emplace_back(Event{++last_, std::string(type), flow_of(subject), boost::json::serialize(subject)});
  if (events_.size() > events_max) events_.pop_front();
  readers_.each([&](EventReader& reader, const std::string& interest) {
    if (concerns(interest, event.flow)) send(reader, event);
  });
}

void Events::show(std::string_view type, const std::string& flow, const boost::json::object& subject) {
  const auto data = boost::json::serialize(subject);
  readers_.each([&](EventReader& reader, const std::string& interest) {
    if (concerns(interest, flow)) reader.send(type, {}, data);
  });
}

io::posix::HttpResponse Events::follow(const std::string& flow, const std::string& last_id,
                                       std::function<void(EventReader&)> begin) {
  return readers_.open(flow, [this, flow, last_id, begin = std::move(begin)](EventReader& reader) {
    if (!last_id.empty()) send_missed(reader, flow, last_id);
    begin(reader);
  });
}

void Events::send(EventReader& reader, const Event& event) const {
  reader.send(event.type, fmt::format("{}-{}", life_, event.number), event.data);
}

void Events::send_missed(EventReader& reader, const std::string& flow, const std::string& last_id) const {
  const auto dash = last_id.rfind('-');
  std::uint64_t number = 0;
  const bool is_ours =
      dash != std::string::npos && last_id.substr(0, dash) == life_ &&
      std::from_chars(last_id.data() + dash + 1, last_id.data() + last_id.size(), number).ec == std::errc();
  const auto oldest = events_.empty() ? last_ + 1 : events_.front().number;
  if (!is_ours || number > last_ || number + 1 < oldest) {
    return reader.send("reset", fmt::format("{}-{}", life_, last_), "{\"type\":\"reset\"}");
  }
  for (const auto& event : events_) {
    if (event.number > number && concerns(flow, event.flow)) send(reader, event);
  }
}

}  // namespace millrace::api
