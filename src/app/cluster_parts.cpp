#include "app/cluster_parts.hpp"

#include <fstream>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "core/id.hpp"
#include "store/postgresql/connection.hpp"

namespace millrace::app {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

/// The data folder's own, made once.
Result<std::string> member_id(const std::string& path) {
  std::string id;
  if (std::ifstream file(path); file >> id) return id;
  id = random_token(3);
  std::ofstream file(path);
  file << id << '\n' << std::flush;
  if (!file) return Error{Error::Kind::io, "cannot write " + path};
  return id;
}

}  // namespace

store::Sharing sharing_of(const ServeOptions& options) {
  const bool shares = store::postgresql::is_url(options.store) && !options.amqp.empty();
  return shares ? store::Sharing::with_members : store::Sharing::alone;
}

ClusterParts::ClusterParts(io::posix::AsioLoop& loop, store::Store& store, cluster::Membership::Settings settings)
    : membership(loop, store, std::move(settings)), changes_(loop, store), turns_(loop, store, membership) {}

Result<std::unique_ptr<ClusterParts>> ClusterParts::join(io::posix::AsioLoop& loop, store::Store& store,
                                                         const ServeOptions& options, const DataFolder& folder) {
  cluster::Membership::Settings settings;
  settings.name = options.member;
  settings.boot = random_id();
  if (settings.name.empty()) {
    const auto id = member_id(folder.member_file());
    if (!id) return id.error();
    settings.name = fmt::format("{}-{}", host_name(), *id);
  }
  std::unique_ptr<ClusterParts> parts(new ClusterParts(loop, store, std::move(settings)));
  if (auto begun = parts->changes_.begin(); !begun) return begun.error();
  if (auto joined = parts->membership.join(); !joined) return joined.error();
  return parts;
}

void ClusterParts::follow(Followers followers) {
  followers.logins.take_turns({[this, followers](const std::string& name, const std::function<void(Status)>& begun) {
                                 turns_.begin("credential/" + name, [followers, name, begun](const Status& mine) {
                                   if (!mine) return begun(mine);
                                   followers.shelf.reload(name, [begun] { begun(Done{}); });
                                 });
                               },
                               [this](const std::string& name) { turns_.end("credential/" + name); }});
  membership.watch([followers] { followers.deployments.members_changed(); });
  followers.deployments.members_changed();
  changes_.watch([followers](const std::string& subject) {
    const auto slash = std::min(subject.find('/'), subject.size());
    const auto kind = std::string_view(subject).substr(0, slash);
    const auto name = subject.substr(std::min(slash + 1, subject.size()));
    if (kind == "flow") followers.deployments.follow_store(name);
    if (kind == "startups") followers.startups.reload();
    if (kind == "credential") followers.shelf.reload(name);
  });
}

boost::json::array ClusterParts::report() const {
  boost::json::array members;
  for (const auto& member : membership.members()) {
    members.push_back({{"name", member.name},
                       {"address", member.address},
                       {"since", member.started_at},
                       {"last_seen", member.seen_at},
                       {"alive", member.alive},
                       {"leads", member.leads},
                       {"this", member.name == membership.name()}});
  }
  return members;
}

}  // namespace millrace::app
