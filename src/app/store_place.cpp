#include "app/store_place.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "app/settings.hpp"
#include "core/log.hpp"
#include "store/postgresql/connection.hpp"

namespace millrace::app {
namespace {

constexpr std::string_view hidden = "***";

bool exists(const std::string& path) {
  std::error_code failed;
  return std::filesystem::exists(path, failed);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// If the folder has begun with another kind of store.
Status check_kind(const DataFolder& folder, const std::string& url) {
  const auto note = folder.foreign_store_note();
  if (url.empty() && exists(note)) {
    return Error{
        Error::Kind::conflict,
        fmt::format("the store of this data folder is {} (name it with --store or MILLRACE_STORE; to begin anew "
                    "without its flows, remove {})",
                    text_of(note), note)};
  }
  if (!url.empty() && exists(folder.store_file())) {
    return Error{Error::Kind::conflict,
                 fmt::format("this data folder has a store of its own, {}, whose flows are not moved to PostgreSQL "
                             "(begin with another data folder, or leave the setting `store` out)",
                             folder.store_file())};
  }
  return Done{};
}

Status note_place(const DataFolder& folder, const std::string& url) {
  const auto note = folder.foreign_store_note();
  if (exists(note)) return Done{};
  std::ofstream file(note);
  file << without_password(url) << std::flush;
  return file ? Status(Done{}) : Status(Error{Error::Kind::io, "cannot write " + note});
}

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(io::Offload& offload, const DataFolder& folder, const std::string& url,
                                                 StoreWait wait, store::Sharing sharing) {
  if (auto checked = check_kind(folder, url); !checked) return checked.error();
  if (url.empty()) return store::Store::open(offload, folder.store_file());
  auto opened = store::Store::open(offload, url, sharing);
  for (auto pause = std::chrono::seconds(1);
       wait == StoreWait::until_reached && !opened && opened.error().kind == Error::Kind::unavailable;
       pause = std::min(pause * 2, std::chrono::seconds(10))) {
    log::warning("the store cannot be reached",
                 {{"reason", opened.error().message}, {"effect", fmt::format("tried again in {} s", pause.count())}});
    std::this_thread::sleep_for(pause);
    opened = store::Store::open(offload, url, sharing);
  }
  if (!opened) return opened;
  if (auto noted = note_place(folder, url); !noted) return noted.error();
  return opened;
}

Result<std::unique_ptr<store::Store>> open_idle_store(io::Offload& offload, const DataFolder& folder) {
  const auto settings = resolve(Command::serve, {});
  if (!settings) return settings.error();
  return open_store(offload, folder, options_of(*settings).store, StoreWait::none);
}

std::string fault_of_store_url(const std::string& url) {
  if (url.empty() || store::postgresql::is_url(url)) return {};
  return "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE";
}

std::string without_password(const std::string& url) {
  std::string shown = url;
  if (const auto begin = shown.find("://"); begin != std::string::npos) {
    const auto end = std::min(shown.find_first_of("/?#", begin + 3), shown.size());
    const auto at = shown.rfind('@', end - 1);
    const auto colon = shown.find(':', begin + 3);
    if (at != std::string::npos && at > begin && colon < at) shown.replace(colon + 1, at - colon - 1, hidden);
  }
  constexpr std::string_view parameter = "password=";
  for (auto at = shown.find(parameter); at != std::string::npos; at = shown.find(parameter, at + 1)) {
    const auto value = at + parameter.size();
    shown.replace(value, std::min(shown.find('&', value), shown.size()) - value, hidden);
  }
  return shown;
}

}  // namespace millrace::app
