#include "app/data_folder.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace millrace::app {
namespace {

constexpr mode_t only_ours = 0700;  // messages are other people's data

Error failure(const std::string& what, const std::string& path, int code) {
  switch (code) {
    case EACCES:
    case EPERM:
    case EROFS:
      return {Error::Kind::permission,
              fmt::format("{} {}: {} (give this user the right to write there, or choose another folder with --data)",
                          what, path, std::strerror(code))};
    case ENOSPC:
    case EDQUOT:
      return {Error::Kind::io, fmt::format("{} {}: the disk is full (free some space, or choose another folder with "
                                           "--data)",
                                           what, path)};
    case ENOTDIR:
    case EEXIST:
      return {Error::Kind::invalid,
              fmt::format("{} {}: there is a file of that name (choose another folder with --data)", what, path)};
    default:
      return {Error::Kind::io, fmt::format("{} {}: {}", what, path, std::strerror(code))};
  }
}

Status make_folder(const std::string& path) {
  std::error_code failed;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failed);
  if (failed) return failure("cannot create the data folder", path, failed.value());
  if (::mkdir(path.c_str(), only_ours) != 0) {
    struct stat found = {};
    const int code = errno;
    if (code != EEXIST || ::stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
      return failure("cannot create the data folder", path, code);
    }
  }
  return Done{};
}

std::string holder(int lock) {
  std::array<char, 32> text{};
  const auto size = ::pread(lock, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<DataFolder> DataFolder::open(const std::string& path, Missing missing) {
  if (missing == Missing::create) {
    if (auto made = make_folder(path); !made) return made.error();
  } else if (struct stat found = {}; ::stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return Error{Error::Kind::not_found,
                 fmt::format("there is no data folder {} (name the one that `millrace run` uses with --data)", path)};
  }
  const std::string name = path + "/lock";
  const int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return failure("cannot write in the data folder", path, errno);
  DataFolder folder(path, lock);
  folder.folder_ = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return Error{Error::Kind::conflict,
                 fmt::format("the data folder {} is in use by {} (stop it, or choose another folder with --data)", path,
                             holder(lock))};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return failure("cannot write in the data folder", path, errno);
  }
  if (auto made = make_folder(folder.broker_folder()); !made) return made.error();
  return folder;
}

Result<std::string> DataFolder::host_folder(const std::string& host) const {
  const auto name = boost::urls::encode(host, boost::urls::unreserved_chars - boost::urls::grammar::lut_chars("."));
  auto path = path_ + "/vhosts/" + name;
  if (auto made = make_folder(path); !made) return made.error();
  return path;
}

Result<std::string> DataFolder::history_folder() const {
  auto path = path_ + "/history";
  if (auto made = make_folder(path); !made) return made.error();
  return path;
}

std::string DataFolder::control_socket() const {
  const auto path = path_ + "/control.sock";
  return path.size() < sizeof(sockaddr_un::sun_path) ? path : fmt::format("/proc/self/fd/{}/control.sock", folder_);
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), folder_(std::exchange(other.folder_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace millrace::app
