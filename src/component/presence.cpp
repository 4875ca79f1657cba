#include "component/presence.hpp"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace millrace::component {
namespace {

Status read_count(const boost::json::object& all, std::string_view name, std::uint64_t& count) {
  const auto* value = all.if_contains(name);
  if (value == nullptr) return Done{};
  boost::system::error_code failed;
  count = value->to_number<std::uint64_t>(failed);
  if (!failed) return Done{};
  return Error{Error::Kind::invalid, "presence: '" + std::string(name) + "' is a number of messages"};
}

}  // namespace

StepCounts& StepCounts::operator+=(const StepCounts& more) {
  done += more.done;
  filtered += more.filtered;
  dead += more.dead;
  rebounds += more.rebounds;
  return *this;
}

std::string Presence::to_json() const {
  return boost::json::serialize(boost::json::object{{"connected", connected},
                                                    {"in_work", in_work},
                                                    {"done", counts.done},
                                                    {"filtered", counts.filtered},
                                                    {"dead", counts.dead},
                                                    {"rebounds", counts.rebounds}});
}

Result<Presence> Presence::from_json(std::string_view text) {
  boost::system::error_code failed;
  const auto parsed = boost::json::parse({text.data(), text.size()}, failed);
  const auto* all = failed ? nullptr : parsed.if_object();
  if (all == nullptr) return Error{Error::Kind::invalid, "presence: not a JSON object"};
  const auto* connected = all->if_contains("connected");
  if (connected == nullptr || !connected->is_bool()) {
    return Error{Error::Kind::invalid, "presence: 'connected' is true or false"};
  }
  Presence presence;
  presence.connected = connected->get_bool();
  using Count = std::pair<std::string_view, std::uint64_t*>;
  for (const auto& [name, count] : {Count{"in_work", &presence.in_work}, Count{"done", &presence.counts.done},
                                    Count{"filtered", &presence.counts.filtered}, Count{"dead", &presence.counts.dead},
                                    Count{"rebounds", &presence.counts.rebounds}}) {
    if (auto status = read_count(*all, name, *count); !status) return status.error();
  }
  return presence;
}

}  // namespace millrace::component
