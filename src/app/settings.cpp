#include "app/settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>

#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "amqp/client/broker_uri.hpp"
#include "app/store_place.hpp"
#include "component/config.hpp"
#include "core/log_line.hpp"
#include "core/nearest.hpp"
#include "flow/configuration_file.hpp"
#include "tracing/exporter.hpp"

namespace millrace::app {
namespace {

using Type = Setting::Type;

constexpr std::array<Setting, 34> all = {{
    {"data", Type::path, "./millrace-data",
     "The data folder: messages, flows, tokens. Made if it is not there; one platform at a time uses it."},
    {"store", Type::store, "",
     "`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`: flows, versions, credentials, tokens and the audit log are kept "
     "in that database, see store.md. If it is not set, in store.db in the data folder."},
    {"amqp", Type::broker, "",
     "RabbitMQ in the place of the embedded broker: amqp(s)://USER:PASSWORD@HOST:PORT/VHOST, see rabbitmq.md. Its "
     "messages are then there, not in the data folder."},
    {"member", Type::text, "",
     "What this platform is called among those that share its store, see members.md. If it is not set, by the host's "
     "name and an id of the data folder's."},
    {"http", Type::address, "127.0.0.1:8080", "Where webhooks come in. Port 0 takes any free one."},
    {"api", Type::address, "127.0.0.1:8081",
     "Where the API and its command line come in; `off`: on the data folder's control.sock only.", "off"},
    {"env_file", Type::path, "",
     "`NAME=value` lines for `${NAME}` in flows. The environment goes before it; names that begin with `MILLRACE_` are "
     "never told to flows."},
    {"key_file", Type::path, "",
     "File with the key that credentials are sealed with (credentials.md). If it is not set: the variable "
     "`MILLRACE_KEY`, systemd's credential `millrace.key`, or `credentials.key` in the data folder, which is made."},
    {"public_url", Type::text, "",
     "What the world calls the address of `http`, such as `https://flows.example.com`: authorization servers send "
     "people back to it. If it is not set, that address itself."},
    {"log_level", Type::level, "info",
     "`debug`, `info`, `warning` or `error`. `millrace serve` reads it again on SIGHUP."},
    {"log_format", Type::format, "text",
     "`text`, or `json`: one object a line, with flow, step, execution and message where a line is about one."},
    {"workers", Type::workers, "on-demand",
     "`on-demand`: a step's workers start with its first message and stop when it has had none for `worker_idle`; "
     "`warm`: those of running flows are always there.",
     "warm"},
    {"worker_idle", Type::duration, "60s", "How long a worker on demand stays without messages."},
    {"worker_memory", Type::size, "512MB", "Memory that one worker may use; 0: no limit."},
    {"start_timeout", Type::duration, "30s", "How long a worker may take from its start to its connection."},
    {"worker_silence", Type::duration, "75s",
     "How long a worker may give no sign of life before its messages go to another, and it is replaced."},
    {"history", Type::history, "full",
     "What is recorded of the executions of flows that do not say it themselves: `full`, `errors` or `none`, see "
     "history.md."},
    {"history_size", Type::size, "1GB", "How much of it is kept on disk; the oldest goes first."},
    {"history_keep", Type::duration, "168h", "How long it is kept."},
    {"objects_size", Type::size, "20GB",
     "How much the object storage of installed components may hold; beyond it what they would put there waits."},
    {"objects_keep", Type::duration, "720h",
     "How long an object is kept that does not say so itself: longer than a message may wait. See "
     "component-protocol.md."},
    {"driver", Type::driver, "process", "`process` or `docker`: what runs workers where flow and step do not say."},
    {"docker", Type::text, "unix:///var/run/docker.sock", "The Docker Engine, see containers.md.", {}, "DOCKER_HOST"},
    {"docker_certs", Type::path, "", "Folder with ca.pem, cert.pem, key.pem for tcp://.", {}, "DOCKER_CERT_PATH"},
    {"docker_image", Type::text, "millrace:" MILLRACE_VERSION, "The image with Millrace's own components."},
    {"docker_nodejs_image", Type::text, "millrace-nodejs:" MILLRACE_VERSION,
     "The image for steps of installed components, with Node.js."},
    {"docker_network", Type::text, "", "An existing network for containers; if not set, one of its own."},
    {"docker_door", Type::text, "",
     "The name or address at which containers reach the platform; if not set, their network's gateway."},
    {"docker_config",
     Type::path,
     "",
     "Folder of Docker's config.json, as `docker login` writes it: logins for registries whose images are pulled. If "
     "it "
     "is not set, ~/.docker.",
     {},
     "DOCKER_CONFIG"},
    {"otlp_endpoint",
     Type::url,
     "",
     "Where OpenTelemetry traces go: a collector such as `http://127.0.0.1:4318`, to which `/v1/traces` is appended. "
     "If it is not set, none are recorded, see tracing.md.",
     {},
     "OTEL_EXPORTER_OTLP_ENDPOINT"},
    {"otlp_headers",
     Type::headers,
     "",
     "What is sent to it with each request, such as `authorization=Bearer%20SECRET`: `name=value`, with commas between "
     "them. `millrace config show` does not print it.",
     {},
     "OTEL_EXPORTER_OTLP_HEADERS"},
    {"otlp_service_name", Type::text, "millrace", "What this platform is called there.", {}, "OTEL_SERVICE_NAME"},
    {"otlp_sample_ratio",
     Type::fraction,
     "1",
     "Of the traces that begin here, which fraction is recorded, from 0 to 1. One that a webhook's caller has begun is "
     "recorded if the caller says so.",
     {},
     "OTEL_TRACES_SAMPLER_ARG"},
    {"grace", Type::duration, "10s", "How long workers may take to finish when they are stopped."},
}};

const Setting* find(std::string_view name) {
  const auto found = std::ranges::find(all, name, &Setting::name);
  return found == all.end() ? nullptr : found;
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::address:
      return "ADDR:PORT";
    case Type::path:
      return "PATH";
    case Type::level:
      return "LEVEL";
    case Type::format:
      return "FORMAT";
    case Type::size:
      return "SIZE";
    case Type::duration:
      return "TIME";
    case Type::workers:
    case Type::driver:
    case Type::history:
      return "HOW";
    case Type::url:
    case Type::store:
    case Type::broker:
      return "URL";
    case Type::fraction:
      return "NUMBER";
    case Type::text:
    case Type::headers:
      break;
  }
  return "TEXT";
}

/// A number from 0 to 1.
std::optional<double> fraction_of(const std::string& text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) return std::nullopt;
  return value;
}

/// What is wrong with a value; nothing if it can be.
std::optional<std::string> fault(const Setting& setting, const std::string& text) {
  switch (setting.type) {
    case Type::address:
      if (!text.empty()) return std::nullopt;  // more of it is known when it is listened on
      return "must be an address such as \"127.0.0.1:8080\"";
    case Type::driver:
      if (text == "process" || text == "docker") return std::nullopt;
      return "must be process or docker";
    case Type::history:
      if (text == "full" || text == "errors" || text == "none") return std::nullopt;
      return "must be full, errors or none";
    case Type::url:
      if (text.empty() || text.starts_with("http://") || text.starts_with("https://")) return std::nullopt;
      return "must be an http:// or https:// address";
    case Type::headers:
      if (const auto headers = tracing::read_headers(text); !headers) return headers.error().message;
      return std::nullopt;
    case Type::fraction:
      if (fraction_of(text)) return std::nullopt;
      return "must be a number from 0 to 1";
    case Type::text:
    case Type::path:
      if (!text.empty() || setting.fallback.empty()) return std::nullopt;
      return "must not be empty";
    case Type::level:
      if (log::level_of(text)) return std::nullopt;
      return "must be debug, info, warning or error";
    case Type::format:
      if (text == "text" || text == "json") return std::nullopt;
      return "must be text or json";
    case Type::workers:
      if (text == "on-demand" || text == "warm") return std::nullopt;
      return "must be on-demand or warm";
    case Type::store:
      if (auto wrong = fault_of_store_url(text); !wrong.empty()) return wrong;
      return std::nullopt;
    case Type::broker:
      if (text.empty()) return std::nullopt;
      if (const auto uri = amqp::client::parse_broker_uri(text); !uri) return uri.error().message;
      return std::nullopt;
    case Type::size:
      if (const auto size = component::parse_size(boost::json::value(text)); !size) return size.error().message;
      return std::nullopt;
    case Type::duration:
      if (const auto time = component::parse_duration(boost::json::value(text)); !time) return time.error().message;
      return std::nullopt;
  }
  return std::nullopt;
}

/// Puts a value where one of lower rank was; `from` is named in an error.
Status set(Values& values, const Setting& setting, std::string text, Origin origin, const std::string& from) {
  if (const auto wrong = fault(setting, text)) {
    if (setting.is_secret()) return Error{Error::Kind::invalid, fmt::format("{} {}", from, *wrong)};
    return Error{Error::Kind::invalid, fmt::format("{} {}, but is \"{}\"", from, *wrong, text)};
  }
  values[std::string(setting.name)] = {std::move(text), origin};
  return Done{};
}

Status read_file(const std::string& file, Values& values) {
  const auto entries = flow::read_configuration_file(file);
  if (!entries) return entries.error();
  for (const auto& entry : *entries) {
    const auto* setting = find(entry.key);
    if (setting == nullptr) {
      std::vector<std::string> names;
      for (const auto& one : all) names.emplace_back(one.name);
      return Error{Error::Kind::invalid, fmt::format("{}: there is no setting {} ({})", entry.place, entry.key,
                                                     suggestion(entry.key, names))};
    }
    if (auto done = set(values, *setting, entry.text, Origin::file, entry.place + ": " + entry.key); !done) return done;
  }
  return Done{};
}

}  // namespace

std::string Setting::flag() const {
  std::string text = "--" + std::string(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string Setting::variable() const {
  std::string text = "MILLRACE_";
  for (const char c : name) text += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string Setting::shown(const std::string& text) const {
  if (type == Type::store || type == Type::broker) return without_password(text);
  return is_secret() && !text.empty() ? "[not shown]" : text;
}

std::string_view Setting::value_name() const {
  return type_name(type);
}

std::span<const Setting> settings() {
  return all;
}

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::fallback:
      return "default";
    case Origin::file:
      return "file";
    case Origin::environment:
      return "environment";
    case Origin::flag:
      return "command line";
  }
  return "default";
}

Result<Values> resolve(Command command, const Given& given) {
  Values values;
  for (const auto& setting : all) {
    const bool differs = command == Command::run && !setting.fallback_of_run.empty();
    values[std::string(setting.name)] = {std::string(differs ? setting.fallback_of_run : setting.fallback),
                                         Origin::fallback};
  }
  if (!given.config_file.empty()) {
    if (auto done = read_file(given.config_file, values); !done) return done.error();
  }
  for (const auto& setting : all) {
    for (const auto& variable : {std::string(setting.known_variable), setting.variable()}) {
      const char* text = variable.empty() ? nullptr : std::getenv(variable.c_str());
      if (text == nullptr || *text == '\0') continue;
      if (auto done = set(values, setting, text, Origin::environment, variable); !done) return done.error();
    }
  }
  for (const auto& [name, text] : given.flags) {
    const auto* setting = find(name);
    if (setting == nullptr) return Error{Error::Kind::invalid, fmt::format("there is no setting {}", name)};
    if (auto done = set(values, *setting, text, Origin::flag, setting->flag()); !done) return done.error();
  }
  return values;
}

/// Where Docker's own command line keeps its logins.
static std::string docker_config_of_home() {
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? std::string() : std::string(home) + "/.docker";
}

ServeOptions options_of(const Values& values) {
  const auto text = [&](std::string_view name) { return values.find(name)->second.text; };
  const auto time = [&](std::string_view name) {
    const auto parsed = component::parse_duration(boost::json::value(text(name)));
    return parsed ? *parsed : std::chrono::milliseconds(0);
  };
  ServeOptions options;
  options.data_folder = text("data");
  options.store = text("store");
  options.amqp = text("amqp");
  options.member = text("member");
  options.http_address = text("http");
  options.api_address = text("api") == "off" ? "" : text("api");
  options.env_file = text("env_file");
  options.key_file = text("key_file");
  options.public_url = text("public_url");
  options.log_level = *log::level_of(text("log_level"));
  options.log_format = text("log_format") == "json" ? log::Format::json : log::Format::text;
  options.warm = text("workers") == "warm";
  options.worker_idle = time("worker_idle");
  const auto memory = component::parse_size(boost::json::value(text("worker_memory")));
  options.worker_memory_max = memory ? *memory : 0;
  options.history.record = history::record_of(text("history")).value_or(history::Policy::Record::full);
  const auto history_size = component::parse_size(boost::json::value(text("history_size")));
  options.history_size_max = history_size ? *history_size : 0;
  options.history_keep = time("history_keep");
  const auto objects_size = component::parse_size(boost::json::value(text("objects_size")));
  options.objects.size_max = objects_size ? *objects_size : 0;
  options.objects.keep = time("objects_keep");
  options.grace = time("grace");
  options.start_timeout = time("start_timeout");
  options.worker_silence = time("worker_silence");
  options.traces.endpoint = text("otlp_endpoint");
  if (auto headers = tracing::read_headers(text("otlp_headers"))) options.traces.headers = std::move(*headers);
  options.traces.resource.service = text("otlp_service_name");
  options.traces.resource.version = MILLRACE_VERSION;
  options.trace_ratio = fraction_of(text("otlp_sample_ratio")).value_or(1);
  options.docker = {text("driver") == "docker",  text("docker"),         text("docker_certs"), text("docker_image"),
                    text("docker_nodejs_image"), text("docker_network"), text("docker_door"),  text("docker_config")};
  if (options.docker.config.empty()) options.docker.config = docker_config_of_home();
  return options;
}

std::string settings_document() {
  std::string out =
      "# Configuration\n\n"
      "The settings of `millrace serve` and `millrace run`. This page is what `millrace config reference` prints.\n\n"
      "Each can be set in four places; a later one goes before an earlier one: the default, the file that `--config` "
      "names (YAML, one key a\nsetting), the environment, the command line. `millrace config show` tells which value "
      "holds "
      "and where it comes from.\n\n"
      "| key | environment | command line | default |\n|---|---|---|---|\n";
  for (const auto& setting : all) {
    auto fallback = setting.fallback.empty() ? std::string("none") : fmt::format("`{}`", setting.fallback);
    if (!setting.fallback_of_run.empty()) fallback += fmt::format("; `millrace run`: `{}`", setting.fallback_of_run);
    out += fmt::format("| `{}` | `{}` | `{} {}` | {} |\n", setting.name, setting.variable(), setting.flag(),
                       setting.value_name(), fallback);
  }
  out += "\n";
  for (const auto& setting : all) out += fmt::format("**`{}`** {}\n\n", setting.name, setting.summary);
  return out +
         "Times are written `30s`, `5m`, `1h30m`; sizes `10MB`, `64KiB`.\n\n"
         "    # /etc/millrace/millrace.yaml\n"
         "    data: /var/lib/millrace\n"
         "    http: 0.0.0.0:8080\n"
         "    log_level: warning\n";
}

}  // namespace millrace::app
