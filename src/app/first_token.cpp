#include "app/first_token.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "store/tokens.hpp"

namespace millrace::app {
namespace {

/// Replaces the file as a whole.
Status write_secret(const std::string& path, const std::string& text) {
  const auto next = path + ".new";
  ::unlink(next.c_str());
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const auto line = text + "\n";
  const bool written = file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(file) == 0 && ::rename(next.c_str(), path.c_str()) == 0;
  const int code = errno;
  if (file >= 0) ::close(file);
  if (written) return Done{};
  return Error{Error::Kind::io, fmt::format("cannot write the first token to {}: {}", path, std::strerror(code))};
}

}  // namespace

Result<bool> first_token(store::Store& store, const std::string& file, std::int64_t now) {
  return store.now<bool>([&](store::Database& database) -> Result<bool> {
    store::Tokens tokens(database);
    const auto any = tokens.any();
    if (!any) return any.error();
    if (*any) return false;
    store::Token token{{}, "admin", {"admin"}, "the first start", now};
    const auto made = tokens.create(token);
    if (!made) return made.error();
    if (auto written = write_secret(file, made->text); !written) return written.error();
    return true;
  });
}

}  // namespace millrace::app
