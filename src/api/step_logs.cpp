#include "api/step_logs.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

namespace millrace::api {
namespace {

std::size_t size_of(const log::Line& line) {
  std::size_t size = sizeof(StepLogs::Entry) + line.who.size() + line.event.size();
  for (const auto& [name, value] : line.facts) size += 2 * sizeof(std::string) + name.size() + value.size();
  return size;
}

void send(EventReader& reader, const StepLogs::Entry& entry) {
  reader.send("log", std::to_string(entry.id), boost::json::serialize(entry.to_json()));
}

}  // namespace

boost::json::object StepLogs::Entry::to_json() const {
  boost::json::object object = {{"id", id},
                                {"at", line.time.time_since_epoch().count()},
                                {"level", log::to_string(line.level)},
                                {"event", line.event}};
  boost::json::object facts;
  for (const auto& [name, value] : line.facts) {
    const bool is_own = name == "flow" || name == "step" || name == "text" || name == "execution" || name == "message";
    if (is_own) {
      object[name] = value;
    } else if (name == "instance") {
      object[name] = std::stoul(value);
    } else {
      facts[name] = value;
    }
  }
  object["facts"] = std::move(facts);
  return object;
}

bool StepLogs::Query::means(const Entry& entry) const {
  return (flow.empty() || entry.line.fact("flow") == flow) && (step.empty() || entry.line.fact("step") == step) &&
         entry.line.level >= level_min && entry.id > after && entry.line.time.time_since_epoch().count() >= since;
}

void StepLogs::add(const log::Line& line) {
  const Key key(line.fact("flow"), line.fact("step"));
  if (key.first.empty() || key.second.empty()) return;
  auto& lines = steps_[key];
  auto& entry = lines.entries.emplace_back(Entry{++last_id_, line, size_of(line)});
  lines.size += entry.size;
  size_ += entry.size;
  readers_.each([&entry](EventReader& reader, const Query& query) {
    if (query.means(entry)) send(reader, entry);
  });
  while (lines.entries.size() > lines_max || lines.size > step_size_max) drop_front(lines);
  if (size_ <= size_max) return;
  for (auto& [name, of_step] : steps_) {
    for (auto count = of_step.entries.size() / 2; count > 0; --count) drop_front(of_step);
  }
}

void StepLogs::drop_front(Lines& lines) {
  lines.size -= lines.entries.front().size;
  size_ -= lines.entries.front().size;
  lines.entries.pop_front();
}

std::vector<const StepLogs::Entry*> StepLogs::last(const Query& query, std::size_t limit) const {
  std::vector<const Entry*> found;
  for (auto lines = steps_.lower_bound({query.flow, query.step}); lines != steps_.end(); ++lines) {
    if (!query.flow.empty() && lines->first.first != query.flow) break;
    for (const auto& entry : lines->second.entries) {
      if (query.means(entry)) found.push_back(&entry);
    }
  }
  std::ranges::sort(found, {}, &Entry::id);
  if (found.size() > limit) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
  return found;
}

bool StepLogs::knows(const std::string& flow, const std::string& step) const {
  const auto found = steps_.lower_bound({flow, step});
  return found != steps_.end() && found->first.first == flow && (step.empty() || found->first.second == step);
}

void StepLogs::forget(const std::string& flow) {
  for (auto lines = steps_.lower_bound({flow, {}}); lines != steps_.end() && lines->first.first == flow;) {
    size_ -= lines->second.size;
    lines = steps_.erase(lines);
  }
}

io::posix::HttpResponse StepLogs::follow(const Query& query, std::size_t limit) {
  return readers_.open(query, [this, query, limit](EventReader& reader) {
    for (const auto* entry : last(query, limit)) send(reader, *entry);
  });
}

}  // namespace millrace::api
