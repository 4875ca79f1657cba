#include "app/secret_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::app {

Result<std::string> read_secret_file(const std::string& path, Readers readers) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    const auto kind = errno == ENOENT ? Error::Kind::not_found : Error::Kind::io;
    return Error{kind, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  }
  struct stat found = {};
  std::array<char, 64u << 10> text{};
  const bool open_to_others = ::fstat(file, &found) == 0 && (found.st_mode & 077) != 0;
  const auto size = ::read(file, text.data(), text.size());
  const int code = errno;
  ::close(file);
  if (readers == Readers::owner_only && open_to_others) {
    return Error{Error::Kind::permission, fmt::format("others may read {} (chmod 600 {})", path, path)};
  }
  if (size < 0) return Error{Error::Kind::io, fmt::format("cannot read {}: {}", path, std::strerror(code))};
  return std::string(text.data(), static_cast<std::size_t>(size));
}

Status write_secret_file(const std::string& path, const std::string& text) {
  const auto next = path + ".new";
  ::unlink(next.c_str());
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const auto line = text + "\n";
  const bool written = file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(file) == 0 && ::rename(next.c_str(), path.c_str()) == 0;
  const int code = errno;
  if (file >= 0) ::close(file);
  if (!written) return Error{Error::Kind::io, fmt::format("cannot write {}: {}", path, std::strerror(code))};
  const auto folder = path.substr(0, path.rfind('/') + 1);
  if (const int parent = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
  return Done{};
}

}  // namespace millrace::app
