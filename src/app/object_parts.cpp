#include "app/object_parts.hpp"

#include "app/secret_file.hpp"
#include "core/id.hpp"
#include "core/log.hpp"

namespace millrace::app {
namespace {

constexpr std::chrono::minutes prune_interval{10};

Result<std::string> secret_in(const std::string& path) {
  auto secret = read_secret_file(path, Readers::owner_only);
  if (secret || secret.error().kind != Error::Kind::not_found) return secret;
  auto made = random_token(32);
  if (auto written = write_secret_file(path, made); !written) return written.error();
  return made;
}

std::vector<std::string> flows_of(const deployment::Deployed& deployed) {
  std::vector<std::string> flows;
  for (const auto& [name, flow] : deployed.flows()) flows.push_back(name);
  return flows;
}

}  // namespace

Result<std::unique_ptr<ObjectParts>> ObjectParts::open(io::posix::AsioLoop& loop, const DataFolder& folder,
                                                       objects::Limits limits, const deployment::Deployed& deployed) {
  auto secret = secret_in(folder.objects_key_file());
  if (!secret) return secret.error().in("secret of the object storage");
  auto disk = io::posix::PosixDisk::open(folder.objects_folder());
  if (!disk) return disk.error();
  auto objects = objects::Objects::open(**disk, limits);
  if (!objects) return objects.error().in("object storage");
  return std::unique_ptr<ObjectParts>(
      new ObjectParts(loop, std::move(*disk), std::move(*objects), std::move(*secret), deployed));
}

ObjectParts::ObjectParts(io::posix::AsioLoop& loop, std::unique_ptr<io::posix::PosixDisk> disk,
                         std::unique_ptr<objects::Objects> objects, std::string secret,
                         const deployment::Deployed& deployed)
    : loop_(loop),
      disk_(std::move(disk)),
      objects_(std::move(objects)),
      keys_(std::move(secret)),
      offload_(loop),
      door_({loop, offload_, *objects_, keys_, [&deployed] { return flows_of(deployed); }}) {
  prune();
}

ObjectParts::~ObjectParts() {
  loop_.cancel(timer_);
}

void ObjectParts::prune() {
  auto removed = std::make_shared<Result<std::size_t>>(std::size_t{0});
  offload_.run([&objects = *objects_, removed,
                now = loop_.wall_now().time_since_epoch().count()] { *removed = objects.prune(now); },
               [removed] {
                 if (!*removed)
                   return log::warning("objects cannot be removed", {{"reason", removed->error().message}});
                 if (**removed > 0) log::info("objects removed", {{"count", std::to_string(**removed)}});
               });
  timer_ = loop_.after(prune_interval, [this] { prune(); });
}

}  // namespace millrace::app
