#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/broker_command.hpp"
#include "app/exit_code.hpp"
#include "io/posix/disk.hpp"
#include "storage/verify.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
namespace files = std::filesystem;

/// The logs of a data folder, one for each virtual host; or the folder itself, if it is a log.
std::vector<std::string> logs_in(const std::string& folder) {
  std::error_code ignored;
  std::vector<std::string> logs;
  if (files::is_directory(folder + "/broker", ignored)) logs.push_back(folder + "/broker");
  for (const auto& host : files::directory_iterator(folder + "/vhosts", ignored)) logs.push_back(host.path());
  if (!logs.empty() || !files::is_directory(folder, ignored)) return logs;
  for (const auto& file : files::directory_iterator(folder, ignored)) {
    if (file.path().extension() == ".log") return {folder};
  }
  return logs;
}

void print(const std::string& folder, const storage::Verification& found) {
  for (const auto& finding : found.findings) {
    fmt::print("{}: {}/{}", storage::to_string(finding.kind), folder, finding.file);
    if (finding.size > 0) fmt::print(" offset {} size {}", finding.offset, finding.size);
    fmt::print(": {}\n", finding.what);
  }
  fmt::print("{}: {} segments, {} sidecars, {} records, {} messages, {} bytes: {}\n", folder, found.segments,
             found.sidecars, found.records, found.messages, found.bytes, found.is_sound() ? "sound" : "damaged");
}

json::object to_json(const std::string& folder, const storage::Verification& found) {
  json::array findings;
  for (const auto& finding : found.findings) {
    findings.push_back(json::object{{"kind", storage::to_string(finding.kind)},
                                    {"file", finding.file},
                                    {"offset", finding.offset},
                                    {"size", finding.size},
                                    {"what", finding.what}});
  }
  return {{"folder", folder},          {"segments", found.segments},     {"sidecars", found.sidecars},
          {"records", found.records},  {"messages", found.messages},     {"bytes", found.bytes},
          {"sound", found.is_sound()}, {"findings", std::move(findings)}};
}

}  // namespace

int verify_broker(const std::string& folder, bool as_json) {
  const auto logs = logs_in(folder);
  if (logs.empty()) {
    fmt::print(stderr, "millrace: there is no broker's data in {} (name the folder given with --data)\n", folder);
    return ExitCode::data_folder;
  }
  bool sound = true;
  json::array all;
  for (const auto& log : logs) {
    auto disk = io::posix::PosixDisk::look_at(log);
    const auto found = disk ? storage::verify(**disk) : Result<storage::Verification>(disk.error());
    if (!found) {
      fmt::print(stderr, "millrace: {}\n", found.error().message);
      return ExitCode::data_folder;
    }
    sound = sound && found->is_sound();
    as_json ? all.push_back(to_json(log, *found)) : print(log, *found);
  }
  if (as_json) fmt::print("{}\n", json::serialize(all));
  return sound ? ExitCode::ok : ExitCode::failed;
}

}  // namespace millrace::app
