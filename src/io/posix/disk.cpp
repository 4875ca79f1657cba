#include "io/posix/disk.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

namespace millrace::io::posix {
namespace {

Error failed(std::string_view doing, std::string_view name) {
  const auto kind = errno == ENOENT   ? Error::Kind::not_found
                    : errno == EACCES ? Error::Kind::permission
                    : errno == EEXIST ? Error::Kind::conflict
                    : errno == ENOSPC ? Error::Kind::no_space
                    : errno == EDQUOT ? Error::Kind::no_space
                                      : Error::Kind::io;
  return {kind, fmt::format("cannot {} {}: {}", doing, name, std::strerror(errno))};
}

class PosixFile final : public File {
 public:
  PosixFile(int file, std::string name, std::shared_ptr<SyncTimes> sync_times)
      : file_(file), name_(std::move(name)), sync_times_(std::move(sync_times)) {}
  ~PosixFile() override { ::close(file_); }

  Status write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::vector<iovec> left;
    left.reserve(pieces.size());
    for (const auto piece : pieces) {
      if (!piece.empty()) left.push_back({const_cast<char*>(piece.data()), piece.size()});
    }
    for (auto next = left.begin(); next != left.end();) {
      const auto count = std::min<std::ptrdiff_t>(left.end() - next, IOV_MAX);
      const auto written = ::pwritev(file_, &*next, static_cast<int>(count), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("write", name_);
      offset += static_cast<std::uint64_t>(written);
      auto rest = static_cast<std::size_t>(written);
      for (; next != left.end() && rest >= next->iov_len; ++next) rest -= next->iov_len;
      if (rest > 0) *next = {static_cast<char*>(next->iov_base) + rest, next->iov_len - rest};
    }
    return Done{};
  }

  Result<std::string> read_at(std::uint64_t offset, std::size_t size) const override {
    std::string data(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const auto count = ::pread(file_, data.data() + have, size - have, static_cast<off_t>(offset + have));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failed("read", name_);
      if (count == 0) break;
      have += static_cast<std::size_t>(count);
    }
    data.resize(have);
    return data;
  }

  Status sync() override {
    const auto begun = std::chrono::steady_clock::now();
    if (::fdatasync(file_) != 0) return failed("sync", name_);
    sync_times_->add(std::chrono::steady_clock::now() - begun);
    return Done{};
  }

  Status settle() override {
    if (auto synced = sync(); !synced) return synced;
    if (::posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED) != 0) return failed("read anew", name_);
    return Done{};
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(file_, static_cast<off_t>(size)) != 0) return failed("truncate", name_);
    return Done{};
  }

  Status allocate(std::uint64_t size) override {
    const auto now = this->size();
    if (!now) return now.error();
    if (*now >= size || ::fallocate(file_, 0, 0, static_cast<off_t>(size)) == 0 || errno == EOPNOTSUPP) return Done{};
    return failed("make room in", name_);
  }

  Result<std::uint64_t> size() const override {
    struct stat info {};
    if (::fstat(file_, &info) != 0) return failed("look at", name_);
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
  int file_;
  std::string name_;
  std::shared_ptr<SyncTimes> sync_times_;
};

Status make_folder(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST) return failed("create", path);
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("create the data folder", path);
  return Done{};
}

}  // namespace

Result<std::unique_ptr<PosixDisk>> PosixDisk::open(const std::string& path) {
  if (auto made = make_folder(path); !made) return made.error();
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failed("open the data folder", path);
  const int lock = ::openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    const Error error = failed("write in the data folder", path);
    ::close(folder);
    return error;
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const auto size = ::pread(lock, owner, sizeof owner - 1, 0);
    ::close(lock);
    ::close(folder);
    return Error{Error::Kind::conflict, fmt::format("the data folder {} is in use by process {}", path,
                                                    size > 0 ? std::string_view(owner) : std::string_view("unknown"))};
  }
  const auto owner = std::to_string(::getpid());
  if (::ftruncate(lock, 0) != 0 ||
      ::pwrite(lock, owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
    const Error error = failed("write in the data folder", path);
    ::close(lock);
    ::close(folder);
    return error;
  }
  return std::unique_ptr<PosixDisk>(new PosixDisk(path, folder, lock));
}

Result<std::unique_ptr<PosixDisk>> PosixDisk::look_at(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failed("open the data folder", path);
  return std::unique_ptr<PosixDisk>(new PosixDisk(path, folder, -1));
}

PosixDisk::~PosixDisk() {
  if (lock_ >= 0) ::close(lock_);
  ::close(folder_);
}

Result<std::unique_ptr<File>> PosixDisk::open(std::string_view name, Open how) {
  const int flags = (lock_ < 0 ? O_RDONLY : O_RDWR) | O_CLOEXEC | (how == Open::create_new ? O_CREAT | O_EXCL : 0);
  const int file = ::openat(folder_, std::string(name).c_str(), flags, 0600);
  if (file < 0) return failed("open", path_ + "/" + std::string(name));
  return std::unique_ptr<File>(std::make_unique<PosixFile>(file, path_ + "/" + std::string(name), sync_times_));
}

Result<std::vector<std::string>> PosixDisk::list() const {
  DIR* const folder = ::opendir(path_.c_str());
  if (folder == nullptr) return failed("list", path_);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != "lock") names.emplace_back(name);
  }
  ::closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

PosixDisk::Usage PosixDisk::usage() const {
  Usage usage;
  const auto names = list();
  if (!names) return usage;
  for (const auto& name : *names) {
    struct stat info {};
    if (::fstatat(folder_, name.c_str(), &info, 0) != 0) continue;  // gone since
    ++usage.files;
    usage.bytes += static_cast<std::uint64_t>(info.st_size);
  }
  return usage;
}

Status PosixDisk::remove(std::string_view name) {
  if (::unlinkat(folder_, std::string(name).c_str(), 0) != 0) return failed("remove", path_ + "/" + std::string(name));
  return Done{};
}

Status PosixDisk::rename(std::string_view from, std::string_view to) {
  if (::renameat(folder_, std::string(from).c_str(), folder_, std::string(to).c_str()) != 0) {
    return failed("rename", path_ + "/" + std::string(from));
  }
  return Done{};
}

Status PosixDisk::sync_folder() {
  if (::fsync(folder_) != 0) return failed("sync the folder", path_);
  return Done{};
}

Result<std::uint64_t> PosixDisk::free_space() const {
  struct statvfs info {};
  if (::fstatvfs(folder_, &info) != 0) return failed("look at the free space of", path_);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace millrace::io::posix
