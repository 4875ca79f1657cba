#include "orchestrator/driver/docker/groundwork.hpp"

#include <charconv>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/pchars.hpp>
#include <fmt/format.h>

namespace millrace::orchestrator::docker {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::string_view bridge_name = "com.docker.network.bridge.name";

using Version = std::pair<int, int>;
constexpr Version wanted{1, 41};  // Docker 20.10

std::optional<Version> read_version(const json::object& from, std::string_view field) {
  const auto* value = from.if_contains(field);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const std::string_view text = value->get_string();
  const auto dot = text.find('.');
  Version version;
  if (dot == std::string_view::npos) return std::nullopt;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), text.data() + dot, version.first);
  const auto minor = std::from_chars(text.data() + dot + 1, end, version.second);
  if (major.ec != std::errc() || minor.ec != std::errc() || minor.ptr != end) return std::nullopt;
  return version;
}

std::string path_of(const Version& version) {
  return fmt::format("/v{}.{}", version.first, version.second);
}

std::string gateway_of(const json::value& network) {
  boost::system::error_code failed;
  const auto* found = network.find_pointer("/IPAM/Config/0/Gateway", failed);
  if (found == nullptr || !found->is_string()) return {};
  const std::string text(found->get_string());
  return text.substr(0, text.find('/'));
}

std::string text_in(const json::object& network, std::string_view map, std::string_view name) {
  const auto* entries = network.if_contains(map);
  if (entries == nullptr || !entries->is_object()) return {};
  const auto* value = entries->get_object().if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<std::string> negotiated_version(std::string_view text) {
  boost::system::error_code failed;
  const auto document = json::parse(text, failed);
  const auto newest =
      failed || !document.is_object() ? std::nullopt : read_version(document.get_object(), "ApiVersion");
  if (!newest) return Error{Error::Kind::unsupported, "what answers there is not a Docker Engine"};
  if (*newest < wanted) {
    return Error{Error::Kind::unsupported,
                 fmt::format("it speaks version {}.{} of the Engine API; {}.{} or later is needed (Docker 20.10)",
                             newest->first, newest->second, wanted.first, wanted.second)};
  }
  const auto oldest = read_version(document.get_object(), "MinAPIVersion");
  return path_of(oldest && *oldest > wanted ? *oldest : wanted);
}

std::string Groundwork::network_name() const {
  return is_own_network() ? "millrace-" + settings_.platform : settings_.network;
}

void Groundwork::make(Made made) {
  if (ground_) return made(*ground_);
  waiting_.push_back(std::move(made));
  if (waiting_.size() == 1) ask_version();
}

void Groundwork::done(Result<Ground> result) {
  if (result) ground_ = *result;
  for (const auto& made : std::exchange(waiting_, {})) made(result);
}

void Groundwork::ask_version() {
  engine_.call({.path = "/version", .timeout = patience}, [this](const Result<EngineAnswer>& answer) {
    if (!answer) return done(answer.error());
    const auto place = "Docker Engine at " + engine_.name();
    if (!answer->ok()) return done(Error{Error::Kind::unavailable, place + ": " + answer->message()});
    auto version = negotiated_version(answer->body);
    if (!version) return done(version.error().in(place));
    api_ = std::move(*version);
    ask_network(true);
  });
}

void Groundwork::ask_network(bool may_be_made) {
  const auto path = api_ + "/networks/" + boost::urls::encode(network_name(), boost::urls::pchars);
  engine_.call({.path = path, .timeout = patience}, [this, may_be_made](const Result<EngineAnswer>& answer) {
    if (!answer) return done(answer.error());
    if (answer->status == 404 && may_be_made && is_own_network()) return make_network();
    if (!answer->ok()) {
      return done(Error{Error::Kind::unavailable, fmt::format("network {} of Docker Engine at {}: {}", network_name(),
                                                              engine_.name(), answer->message())});
    }
    read_network(answer->body);
  });
}

/// A bridge of the platform's own. Its containers cannot reach each other: they meet in queues alone.
void Groundwork::make_network() {
  const json::object body{{"Name", network_name()},
                          {"CheckDuplicate", true},
                          {"Driver", "bridge"},
                          {"Labels", json::object{{labels::platform, settings_.platform}}},
                          {"Options", json::object{{bridge_name, "mr" + settings_.platform.substr(0, 12)},
                                                   {"com.docker.network.bridge.enable_icc", "false"}}}};
  engine_.call(
      {.method = "POST", .path = api_ + "/networks/create", .body = json::serialize(body), .timeout = patience},
      [this](const Result<EngineAnswer>& answer) {
        if (!answer) return done(answer.error());
        if (!answer->ok() && answer->status != 409) {
          return done(Error{Error::Kind::unavailable, fmt::format("Docker Engine at {} cannot make the network {}: {}",
                                                                  engine_.name(), network_name(), answer->message())});
        }
        ask_network(false);
      });
}

void Groundwork::read_network(const std::string& text) {
  boost::system::error_code failed;
  const auto document = json::parse(text, failed);
  if (failed || !document.is_object()) {
    return done(Error{Error::Kind::unavailable, "the engine's account of a network cannot be read"});
  }
  const auto& object = document.get_object();
  if (is_own_network() && text_in(object, "Labels", labels::platform) != settings_.platform) {
    return done(Error{Error::Kind::conflict,
                      fmt::format("there is a network {} that is not ours (remove or rename it)", network_name())});
  }
  Network network{network_name(), gateway_of(document), text_in(object, "Options", bridge_name)};
  if (network.gateway.empty()) {
    return done(
        Error{Error::Kind::unsupported,
              fmt::format("network {} has no gateway, so its containers cannot reach the platform (use a bridge "
                          "network)",
                          network.name)});
  }
  auto doors = settings_.open_doors(network);
  if (!doors) return done(doors.error());
  done(Ground{api_, std::move(network), std::move(*doors)});
}

void Groundwork::remove_network(std::function<void()> removed) {
  if (!ground_ || !is_own_network()) return removed();
  engine_.call({.method = "DELETE", .path = ground_->api + "/networks/" + network_name(), .timeout = patience},
               [removed = std::move(removed)](const Result<EngineAnswer>&) { removed(); });
  ground_.reset();
}

}  // namespace millrace::orchestrator::docker
