#include "store/store.hpp"

#include <fmt/format.h>

#include "store/postgresql/connection.hpp"
#include "store/schema.hpp"
#include "store/sqlite/connection.hpp"

namespace millrace::store {

namespace {

/// Of a transaction that another one keeps getting ahead of; each time, that one got through.
constexpr int attempts_max = 20;

std::int64_t known_version() {
  return static_cast<std::int64_t>(migrations().size());
}

Status check_version(const std::string& place, std::int64_t version) {
  if (version <= known_version()) return Done{};
  return Error{Error::Kind::unsupported,
               fmt::format("{} was written by a newer Millrace (its tables are version {}, this program knows {}); "
                           "nothing was changed in it (start the newer Millrace, or another data folder)",
                           place, version, known_version())};
}

Result<std::unique_ptr<Connection>> open_file(const std::string& path) {
  const auto version = sqlite::version_of(path);
  if (!version) return version.error();
  if (auto checked = check_version(path, *version); !checked) return checked.error();
  auto connection = sqlite::SqliteConnection::open(path);
  if (!connection) return connection.error();
  if (*version < known_version()) {
    if (auto done = (*connection)->migrate(*version); !done) return done.error().in(path);
  }
  return std::unique_ptr<Connection>(std::move(*connection));
}

Result<std::unique_ptr<Connection>> open_schema(const std::string& url, Sharing sharing) {
  auto connection = postgresql::PostgresqlConnection::open(url, sharing);
  if (!connection) return connection.error();
  const auto version = (*connection)->version();
  if (!version) return version.error();
  if (auto checked = check_version((*connection)->name(), *version); !checked) return checked.error();
  if (*version < known_version()) {
    if (auto done = (*connection)->migrate(); !done) return done.error();
  }
  return std::unique_ptr<Connection>(std::move(*connection));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(io::Offload& offload, const std::string& place, Sharing sharing) {
  auto connection = postgresql::is_url(place) ? open_schema(place, sharing) : open_file(place);
  if (!connection) return connection.error();
  return std::unique_ptr<Store>(new Store(offload, std::move(*connection)));
}

Store::Store(io::Offload& offload, std::unique_ptr<Connection> connection)
    : offload_(offload), connection_(std::move(connection)) {}

Store::~Store() = default;

Status Store::in_transaction(const std::function<Status(Database&)>& work) {
  // now() at the start of a platform, while a heartbeat or a look at dead letters is on the offload already.
  const std::lock_guard turn(turn_);
  auto done = try_transaction(work);
  for (int attempt = 1; !done && connection_->lost_race() && attempt < attempts_max; ++attempt) {
    done = try_transaction(work);
  }
  return done;
}

Status Store::try_transaction(const std::function<Status(Database&)>& work) {
  if (auto begun = connection_->begin(); !begun) return begun;
  auto done = work(*connection_);
  if (done) return connection_->commit();
  connection_->roll_back();
  return done;
}

}  // namespace millrace::store
