#include "store/store.hpp"

#include <fmt/format.h>

#include "store/schema.hpp"
#include "store/sqlite/connection.hpp"

namespace millrace::store {

Result<std::unique_ptr<Store>> Store::open(io::Offload& offload, const std::string& path) {
  const auto version = sqlite::version_of(path);
  if (!version) return version.error();
  const auto known = static_cast<std::int64_t>(migrations().size());
  if (*version > known) {
    return Error{Error::Kind::unsupported,
                 fmt::format("{} was written by a newer Millrace (its tables are version {}, this program knows {}); "
                             "nothing was changed in it (start the newer Millrace, or another data folder)",
                             path, *version, known)};
  }
  auto connection = sqlite::SqliteConnection::open(path);
  if (!connection) return connection.error();
  if (*version < known) {
    if (auto done = (*connection)->migrate(*version); !done) return done.error().in(path);
  }
  return std::unique_ptr<Store>(new Store(offload, std::move(*connection)));
}

Store::Store(io::Offload& offload, std::unique_ptr<Connection> connection)
    : offload_(offload), connection_(std::move(connection)) {}

Store::~Store() = default;

Status Store::in_transaction(const std::function<Status(Database&)>& work) {
  if (auto begun = connection_->begin(); !begun) return begun;
  auto done = work(*connection_);
  if (done) return connection_->commit();
  connection_->roll_back();
  return done;
}

}  // namespace millrace::store
