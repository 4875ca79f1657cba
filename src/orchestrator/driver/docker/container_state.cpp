#include "orchestrator/driver/docker/container_state.hpp"

#include <csignal>
#include <cstring>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "orchestrator/driver/docker/container_spec.hpp"

namespace millrace::orchestrator::docker {
namespace json = boost::json;
namespace {

const json::value* member(const json::value* of, std::string_view name) {
  return of != nullptr && of->is_object() ? of->get_object().if_contains(name) : nullptr;
}

std::string text(const json::value* of, std::string_view name) {
  const auto* found = member(of, name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t number(const json::value* of, std::string_view name) {
  const auto* found = member(of, name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

bool is_true(const json::value* of, std::string_view name) {
  const auto* found = member(of, name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

Credentials credentials_in(const json::value* config) {
  Credentials credentials;
  const auto* environment = member(config, "Env");
  if (environment == nullptr || !environment->is_array()) return credentials;
  constexpr std::string_view user = "ELASTICIO_API_USERNAME=";
  constexpr std::string_view password = "ELASTICIO_API_KEY=";
  for (const auto& entry : environment->get_array()) {
    if (!entry.is_string()) continue;
    const std::string_view variable = entry.get_string();
    if (variable.starts_with(user)) credentials.user = variable.substr(user.size());
    if (variable.starts_with(password)) credentials.password = variable.substr(password.size());
  }
  return credentials;
}

/// A shell's way to tell of a signal, which is also the engine's: 128 and its number.
std::string how(int exit_code) {
  const char* name = exit_code > 128 ? ::sigabbrev_np(exit_code - 128) : nullptr;
  if (name == nullptr) return fmt::format("exited with {}", exit_code);
  if (exit_code == 128 + SIGKILL) return "killed by SIGKILL, from outside";
  return fmt::format("killed by SIG{}", name);
}

}  // namespace

Result<ContainerState> ContainerState::read(std::string_view text_of_it, std::string_view platform) {
  boost::system::error_code failed;
  const auto document = json::parse(text_of_it, failed);
  const auto* const all = &document;
  const auto* const state = member(all, "State");
  if (failed || state == nullptr || !state->is_object() || text(all, "Id").empty()) {
    return Error{Error::Kind::unavailable, "the engine's account of a container cannot be read"};
  }
  const auto* const config = member(all, "Config");
  const auto* const its_labels = member(config, "Labels");
  ContainerState result;
  result.id = text(all, "Id");
  result.is_ours = text(its_labels, labels::platform) == platform;
  result.worker = text(its_labels, labels::worker);
  result.made_as = text(its_labels, labels::made_as);
  result.credentials = credentials_in(config);
  result.created = text(state, "Status") == "created";
  result.running = is_true(state, "Running");
  result.out_of_memory = is_true(state, "OOMKilled");
  result.exit_code = static_cast<int>(number(state, "ExitCode"));
  result.fault = text(state, "Error");
  result.memory_max = static_cast<std::uint64_t>(number(member(all, "HostConfig"), "Memory"));
  return result;
}

Exit ContainerState::exit() const {
  Exit exit;
  exit.clean = exit_code == 0 && fault.empty() && !created;
  if (out_of_memory && exit_code != 0) {
    exit.reason = memory_max == 0 ? "out of memory (OOM), killed by the kernel"
                                  : fmt::format("over its memory limit of {} MB (OOM), killed by the kernel",
                                                memory_max / 1'000'000);
  } else if (!fault.empty() || created) {
    exit.reason = "could not be started: " + (fault.empty() ? "it was made, but never ran" : fault);
  } else {
    exit.reason = how(exit_code);
  }
  return exit;
}

}  // namespace millrace::orchestrator::docker
