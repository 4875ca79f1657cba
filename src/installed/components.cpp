#include "installed/components.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/id.hpp"
#include "installed/source.hpp"

namespace millrace::installed {
namespace {

namespace fs = std::filesystem;

Error failure(std::string_view what, const std::string& path) {
  const auto kind = errno == ENOSPC ? Error::Kind::no_space : Error::Kind::io;
  return {kind, fmt::format("{} {}: {}", what, path, std::strerror(errno))};
}

/// Folders of components whose names begin so.
void delete_all(const std::string& components, std::initializer_list<std::string_view> beginnings) {
  std::error_code absent;
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(components, absent)) {
    const auto name = entry.path().filename().string();
    for (const auto beginning : beginnings) {
      if (name.starts_with(beginning)) left.push_back(entry.path().string());
    }
  }
  for (const auto& path : left) {
    std::error_code ignored;  // What is left is deleted at the next start.
    fs::remove_all(path, ignored);
  }
}

Status with_folder(const std::string& folder, int (*call)(int)) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failure("cannot open", folder);
  auto status = call(descriptor) == 0 ? Status(Done{}) : Status(failure("cannot sync", folder));
  ::close(descriptor);
  return status;
}

/// Puts `from` in the place of `to`, which is left as ".old-…" if it was there.
Status put_in_place(const std::string& from, const std::string& to, const std::string& old) {
  if (!fs::exists(to)) {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Status(Done{}) : Status(failure("cannot rename to", to));
  }
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    return ::rename(from.c_str(), old.c_str()) == 0 ? Status(Done{}) : Status(failure("cannot rename to", old));
  }
  // A file system that cannot exchange: between the two it is not there.
  if (::rename(to.c_str(), old.c_str()) != 0) return failure("cannot rename to", old);
  return ::rename(from.c_str(), to.c_str()) == 0 ? Status(Done{}) : Status(failure("cannot rename to", to));
}

}  // namespace

Components::Components(std::string data_folder, component::Catalogue& catalogue)
    : folder_((fs::absolute(data_folder.empty() ? "." : data_folder) / "components").lexically_normal().string()),
      catalogue_(catalogue) {}

void Components::load() {
  std::error_code absent;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_, absent)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (!is_component_name(name)) continue;
    auto installation = read_installation(name, folder_ + "/" + name);
    if (!installation) {
      problems_.push_back(name + ": " + installation.error().message);
      continue;
    }
    catalogue_.replace(name, functions_of(*installation));
    all_.insert_or_assign(name, std::move(*installation));
  }
}

const Installation* Components::find(std::string_view name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}

Status Components::is_free(std::string_view name, bool replace) const {
  if (!is_component_name(name)) {
    return Error{
        Error::Kind::invalid,
        fmt::format("\"{}\" cannot be a component's name (use lower-case letters, digits, - and _, at most 63; "
                    "--name gives it another)",
                    name)};
  }
  if (find(name) != nullptr) {
    if (replace) return Done{};
    return Error{Error::Kind::conflict,
                 fmt::format("there is a component {} already (--replace puts this one in its place, --name gives it "
                             "another name)",
                             name)};
  }
  for (const auto& function : catalogue_.all()) {
    if (function.descriptor.component != name) continue;
    return Error{Error::Kind::conflict,
                 fmt::format("{} is a component of Millrace itself (--name gives this one another name)", name)};
  }
  return Done{};
}

Result<std::string> Components::make_staging() {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return failure("cannot create", folder_);
  auto path = folder_ + "/.new-" + random_token(8);
  // Users of containers read it; DATA, above it, is open to nobody else.
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) return failure("cannot create", path);
  return path;
}

Result<const Installation*> Components::add(const std::string& name, const std::string& staging, bool replace) {
  if (auto free = is_free(name, replace); !free) return free.error();
  auto installation = read_installation(name, staging);
  if (!installation) return installation.error();
  const auto path = folder_ + "/" + name;
  if (auto placed = put_in_place(staging, path, folder_ + "/.old-" + random_token(8)); !placed) return placed.error();
  if (auto synced = with_folder(folder_, &::fsync); !synced) return synced.error();
  installation->folder = path;
  catalogue_.replace(name, functions_of(*installation));
  return &all_.insert_or_assign(name, std::move(*installation)).first->second;
}

Status Components::remove(const std::string& name) {
  const auto path = folder_ + "/" + name;
  if (!is_component_name(name) || !fs::exists(path)) {
    return Error{Error::Kind::not_found, fmt::format("there is no installed component {}", name)};
  }
  const auto old = folder_ + "/.old-" + random_token(8);
  if (::rename(path.c_str(), old.c_str()) != 0) return failure("cannot rename to", old);
  if (auto synced = with_folder(folder_, &::fsync); !synced) return synced.error();
  catalogue_.replace(name, {});
  all_.erase(name);
  return Done{};
}

Status sync_folder(const std::string& folder) {
  return with_folder(folder, &::syncfs);
}

void delete_removed(const std::string& components) {
  delete_all(components, {".old-"});
}

void sweep(const std::string& components) {
  delete_all(components, {".new-", ".old-"});
}

}  // namespace millrace::installed
