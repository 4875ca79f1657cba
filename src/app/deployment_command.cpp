#include "app/deployment_command.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/exit_code.hpp"
#include "component/json_document.hpp"
#include "flow/load.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

std::string path_of(const std::string& flow, std::string_view rest = {}) {
  return fmt::format("/v1/flows/{}{}", percent_encoded(flow), rest);
}

Result<std::vector<flow::NamedText>> read_files(const std::vector<std::string>& paths) {
  std::vector<flow::NamedText> all;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad()) return Error{Error::Kind::invalid, fmt::format("{} cannot be read", path)};
    auto flows = flow::flows_in(text, path);
    if (!flows) return Error{Error::Kind::invalid, flows.error().to_string()};
    for (auto& flow : *flows) all.push_back(std::move(flow));
  }
  return all;
}

/// What the platform finds wrong with a draft, one a line; empty if nothing is.
std::string faults(const json::value& draft, const std::string& flow) {
  std::string text;
  for (const auto& entry : draft.at("problems").as_array()) {
    const auto& problem = entry.as_object();
    text += fmt::format("\n  {}:{}:{}: {}: {}", flow, cell(problem, "line"), cell(problem, "column"),
                        cell(problem, "field"), cell(problem, "message"));
    if (const auto mend = cell(problem, "mend"); !mend.empty()) text += fmt::format(" ({})", mend);
  }
  return text;
}

Result<json::value> deploy_one(ApiClient& client, const flow::NamedText& flow, const std::string& comment) {
  const auto seen = client.ask({.target = path_of(flow.name, "/draft")});
  if (!seen && seen.error().kind != Error::Kind::not_found) return seen.error();
  const auto saved = client.ask({.method = "PUT",
                                 .target = path_of(flow.name, "/draft"),
                                 .body = flow.text,
                                 .content_type = "application/yaml",
                                 .headers = {seen ? "If-Match: " + seen->etag : "If-None-Match: *"}});
  if (!saved) return saved.error();
  if (const auto wrong = faults(saved->body, flow.name); !wrong.empty()) {
    return Error{Error::Kind::invalid, "the flow is saved as a draft, and not deployed, for it is not valid:" + wrong};
  }
  json::object body;
  if (!comment.empty()) body["comment"] = comment;
  auto published = client.ask({.method = "POST",
                               .target = path_of(flow.name, "/versions"),
                               .body = json::serialize(body),
                               .headers = {"If-Match: " + saved->etag}});
  if (!published) return published.error();
  published->body.as_object()["new"] = published->status == 201;
  return std::move(published->body);
}

void print_json(const json::value& value) {
  fmt::print("{}\n", json::serialize(value));
}

std::string webhook_of(const json::object& flow) {
  const auto& webhook = flow.at("webhook");
  return webhook.is_null() ? "-" : std::string(webhook.at("path").as_string());
}

/// Versions in use and what they have in flight: "2", "1 (3 in flight), 2".
std::string versions_of(const json::object& flow) {
  std::string text;
  for (const auto& entry : flow.at("versions_in_use").as_array()) {
    const auto& version = entry.as_object();
    text += fmt::format("{}{}", text.empty() ? "" : ", ", cell(version, "version"));
    if (const auto count = cell(version, "in_flight"); count != "0") text += fmt::format(" ({} in flight)", count);
  }
  return text.empty() ? "-" : text;
}

int print_changed(const ApiOptions& options, const ApiRequest& request) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto changed = client.ask(request);
    if (!changed) return changed.error();
    if (options.json) {
      print_json(changed->body);
    } else {
      fmt::print("{}  {}\n", cell(changed->body.as_object(), "name"), cell(changed->body.as_object(), "state"));
    }
    return Done{};
  });
}

}  // namespace

int deploy(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto flows = read_files(options.files);
    if (!flows) return flows.error();
    for (const auto& flow : *flows) {
      const auto version = deploy_one(client, flow, options.comment);
      if (!version) return version.error().in(flow.name);
      if (options.json) {
        print_json(*version);
        continue;
      }
      fmt::print("{}  version {}{}\n", flow.name, cell(version->as_object(), "version"),
                 version->at("new").as_bool() ? "" : " (as it was)");
    }
    return Done{};
  });
}

int list_flows(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto flows = client.all("/v1/flows");
    if (!flows) return flows.error();
    if (options.json) {
      print_json(json::object{{"flows", *flows}});
      return Done{};
    }
    std::vector<std::vector<std::string>> rows = {{"NAME", "STATE", "VERSIONS", "DEAD", "WEBHOOK", "SAVED BY"}};
    for (const auto& entry : *flows) {
      const auto& flow = entry.as_object();
      rows.push_back({cell(flow, "name"), cell(flow, "state"), versions_of(flow), cell(flow, "dead_letters"),
                      webhook_of(flow), cell(flow, "saved_by")});
    }
    print_table(rows);
    return Done{};
  });
}

int show_flow(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto shown = client.ask({.target = path_of(options.flow)});
    if (!shown) return shown.error();
    if (options.json) {
      print_json(shown->body);
      return Done{};
    }
    const auto& flow = shown->body.as_object();
    const auto draft = client.ask({.target = path_of(options.flow, "/draft")});
    if (!draft) return draft.error();
    std::vector<std::vector<std::string>> rows = {
        {"name", cell(flow, "name")},
        {"state", cell(flow, "state")},
        {"version", cell(flow, "version")},
        {"in use", versions_of(flow)},
        {"dead letters", cell(flow, "dead_letters")},
        {"webhook", webhook_of(flow)},
        {"saved", time_cell(flow, "saved_at") + " by " + cell(flow, "saved_by")}};
    for (const auto& problem : flow.at("problems").as_array()) {
      rows.push_back({"problem", std::string(problem.as_string())});
    }
    print_table(rows);
    fmt::print("\n{}", cell(draft->body.as_object(), "text"));
    return Done{};
  });
}

int change_flow(const ApiOptions& options, const std::string& action) {
  return print_changed(options, {.method = "POST", .target = path_of(options.flow, "/" + action)});
}

int delete_flow(const ApiOptions& options) {
  return print_changed(options,
                       {.method = "DELETE", .target = path_of(options.flow, options.discard ? "?discard=true" : "")});
}

int run_flow_now(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    json::object body;
    if (!options.body.empty()) {
      auto edited = component::parse_document(options.body);
      if (!edited) return Error{Error::Kind::invalid, "--body is " + edited.error().message};
      body["body"] = std::move(*edited);
    }
    const auto started =
        client.ask({.method = "POST", .target = path_of(options.flow, "/run"), .body = json::serialize(body)});
    if (!started) return started.error();
    if (options.json) {
      print_json(started->body);
    } else {
      fmt::print("execution {}\n", cell(started->body.as_object(), "execution"));
    }
    return Done{};
  });
}

int show_flow_history(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto versions = client.all(path_of(options.flow, "/versions"));
    if (!versions) return versions.error();
    if (options.json) {
      print_json(json::object{{"versions", *versions}});
      return Done{};
    }
    std::vector<std::vector<std::string>> rows = {{"VERSION", "STATE", "PUBLISHED", "BY", "COMMENT"}};
    for (const auto& entry : *versions) {
      const auto& version = entry.as_object();
      rows.push_back({cell(version, "version"), cell(version, "state"), time_cell(version, "published_at"),
                      cell(version, "published_by"), cell(version, "comment")});
    }
    print_table(rows);
    return Done{};
  });
}

int diff_flow(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    auto version = options.version;
    if (!version) {
      const auto flow = client.ask({.target = path_of(options.flow)});
      if (!flow) return flow.error();
      if (!flow->body.at("version").is_int64()) {
        return Error{Error::Kind::conflict, fmt::format("the flow {} is only a draft", options.flow)};
      }
      version = flow->body.at("version").as_int64();
    }
    const auto against = options.against.empty() ? "" : "?against=" + percent_encoded(options.against);
    const auto diff =
        client.ask({.target = path_of(options.flow, fmt::format("/versions/{}/diff{}", *version, against))});
    if (!diff) return diff.error();
    if (options.json) {
      print_json(diff->body);
    } else {
      fmt::print("{}", cell(diff->body.as_object(), "diff"));
    }
    return Done{};
  });
}

int roll_back_flow(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    auto version = options.version;
    if (!version) {
      const auto flow = client.ask({.target = path_of(options.flow)});
      if (!flow) return flow.error();
      const auto& current = flow->body.at("version");
      if (!current.is_int64() || current.as_int64() < 2) {
        return Error{Error::Kind::conflict, fmt::format("the flow {} has no version before", options.flow)};
      }
      version = current.as_int64() - 1;
    }
    const auto body = json::serialize(json::object{{"from", *version}});
    const auto published = client.ask({.method = "POST", .target = path_of(options.flow, "/versions"), .body = body});
    if (!published) return published.error();
    if (options.json) {
      print_json(published->body);
    } else {
      fmt::print("{}  version {}, as version {} was\n", options.flow, cell(published->body.as_object(), "version"),
                 *version);
    }
    return Done{};
  });
}

}  // namespace millrace::app
