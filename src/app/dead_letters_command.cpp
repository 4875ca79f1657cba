#include <cstdio>
#include <limits>
#include <optional>
#include <tuple>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/dead_letters.hpp"
#include "app/api_output.hpp"
#include "app/commands.hpp"
#include "app/contexts.hpp"
#include "app/control_client.hpp"
#include "app/exit_code.hpp"
#include "app/offline.hpp"
#include "app/time_argument.hpp"
#include "component/json_document.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
using Query = api::DeadLetters::Query;
using Verb = DeadLettersOptions::Verb;

/// Dead letters wherever they can be had: from a running platform, or from a data folder.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<json::array> list(const Query& query) = 0;
  virtual Result<json::object> show(const std::string& id) = 0;
  virtual Result<json::object> change(const std::string& id, const DeadLettersOptions& options) = 0;
  /// {"count", "left"}: of all that the query means.
  virtual Result<json::object> change_all(const Query& query, const DeadLettersOptions& options) = 0;
};

api::DeadLetters::Change change_of(Verb verb) {
  return verb == Verb::retry ? api::DeadLetters::Change::retry : api::DeadLetters::Change::drop;
}

/// The members of a query that matter.
json::object members_of(const Query& query) {
  json::object members;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) members[name] = value;
  };
  add("flow", query.flow);
  add("step", query.step);
  add("code", query.code);
  add("text", query.text);
  if (query.failed_before) members["failed_before"] = *query.failed_before;
  if (query.failed_after) members["failed_after"] = *query.failed_after;
  return members;
}

class RunningPlatform final : public Source {
 public:
  explicit RunningPlatform(ApiClient& client) : client_(client) {}

  Result<json::array> list(const Query& query) override {
    std::string target = "/v1/dead-letters";
    for (const auto& [name, value] : members_of(query)) {
      const auto text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
      target += fmt::format("{}{}={}", target.find('?') == std::string::npos ? '?' : '&', std::string_view(name),
                            percent_encoded(text));
    }
    return client_.all(target);
  }
  Result<json::object> show(const std::string& id) override { return ask({.target = path_of(id)}); }
  Result<json::object> change(const std::string& id, const DeadLettersOptions& options) override {
    if (options.verb == Verb::drop) return ask({.method = "DELETE", .target = path_of(id)});
    json::object body;
    if (!options.version.empty()) {
      const bool word = options.version == "current" || options.version == "original";
      boost::system::error_code failed;
      body["version"] = word ? json::value(options.version) : json::parse(options.version, failed);
    }
    if (!options.body.empty()) {
      auto edited = component::parse_document(options.body);
      if (!edited) return Error{Error::Kind::invalid, "--body is " + edited.error().message};
      body["body"] = std::move(*edited);
    }
    return ask({.method = "POST", .target = path_of(id) + "/retry", .body = json::serialize(body)});
  }
  Result<json::object> change_all(const Query& query, const DeadLettersOptions& options) override {
    auto body = members_of(query);
    if (body.empty()) body["all"] = true;
    if (options.dry_run) body["dry_run"] = true;
    const auto* verb = options.verb == Verb::retry ? "retry" : "drop";
    return ask({.method = "POST", .target = fmt::format("/v1/dead-letters/{}", verb), .body = json::serialize(body)});
  }

 private:
  static std::string path_of(const std::string& id) { return "/v1/dead-letters/" + percent_encoded(id); }
  Result<json::object> ask(const ApiRequest& request) {
    auto answer = client_.ask(request);
    if (!answer) return answer.error();
    return std::move(answer->body.as_object());
  }

  ApiClient& client_;
};

class IdleFolder final : public Source {
 public:
  using Letters = api::DeadLetters;
  IdleFolder(Letters& letters, io::posix::AsioLoop& loop) : letters_(letters), loop_(loop) {}

  Result<json::array> list(const Query& query) override {
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    const auto page = answer<Letters::Page>([&](auto told) { letters_.page(query, {}, all, told); });
    if (!page) return page.error();
    json::array result;
    for (const auto& letter : page->letters) result.push_back(letter.to_json(false));
    return result;
  }
  Result<json::object> show(const std::string& id) override {
    const auto letter = find(id);
    if (!letter) return letter.error();
    return letter->to_json(true);
  }
  Result<json::object> change(const std::string& id, const DeadLettersOptions& options) override {
    const auto letter = find(id);
    if (!letter) return letter.error();
    Letters::Retry how;
    if (options.version == "original") how.version = letter->version;
    if (!options.body.empty()) how.body = options.body;
    const Status done = answer<Done>([&](auto told) {
      options.verb == Verb::retry ? letters_.retry(*letter, how, told) : letters_.drop(*letter, told);
    });
    if (!done) return done.error();
    return letter->to_json(false);
  }
  Result<json::object> change_all(const Query& query, const DeadLettersOptions& options) override {
    const auto change = change_of(options.verb);
    const auto total = answer<Letters::Changed>([&](auto told) { letters_.look(change, query, told); });
    if (!total) return total.error();
    std::optional<Letters::Place> place;
    for (bool more = !options.dry_run; more; more = place.has_value()) {
      const auto done =
          answer<Letters::Some>([&](auto told) { letters_.change_some(change, query, place, total->newest, told); });
      if (!done) return done.error();
      place = done->next;
    }
    json::array left;
    for (const auto& [why, count] : total->left) left.push_back({{"reason", why}, {"count", count}});
    return json::object{{"count", total->count}, {"dry_run", options.dry_run}, {"left", std::move(left)}};
  }

 private:
  Result<api::DeadLetter> find(const std::string& id) {
    return answer<api::DeadLetter>([&](auto told) { letters_.find(id, told); });
  }
  /// What is told in the end.
  template <class T, class Ask>
  Result<T> answer(Ask ask) {
    std::optional<Result<T>> answer;
    ask(Letters::Told<T>([&](Result<T> told) {
      answer = std::move(told);
      loop_.stop();
    }));
    if (!answer) loop_.run();
    return std::move(*answer);
  }

  Letters& letters_;
  io::posix::AsioLoop& loop_;
};

std::string text(const json::object& letter, std::string_view name) {
  const auto* value = letter.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string when(const json::object& letter) {
  const auto* at = letter.if_contains("failed_at");
  return at != nullptr && at->is_int64() && at->get_int64() != 0 ? time_cell(letter, "failed_at") : "-";
}

void print(const json::object& letter) {
  fmt::print("{}  {}  {}/{}  {}: {}\n", text(letter, "id"), when(letter), text(letter, "flow"), text(letter, "step"),
             text(letter, "code"), text(letter, "reason"));
}

Status list(Source& source, const Query& query, const DeadLettersOptions& options) {
  auto letters = source.list(query);
  if (!letters) return letters.error();
  if (options.json) {
    fmt::print("{}\n", json::serialize(json::object{{"dead_letters", std::move(*letters)}}));
    return Done{};
  }
  for (const auto& letter : *letters) print(letter.as_object());
  if (letters->empty()) fmt::print(stderr, "no dead letters\n");
  return Done{};
}

Status show(Source& source, const DeadLettersOptions& options) {
  const auto letter = source.show(options.ids.at(0));
  if (!letter) return letter.error();
  if (options.json) {
    fmt::print("{}\n", json::serialize(*letter));
    return Done{};
  }
  for (const auto& [name, value] : *letter) {
    if (name != "failed_at") {
      fmt::print("{:<10} {}\n", std::string_view(name),
                 value.is_string() ? std::string(value.get_string()) : json::serialize(value));
    }
  }
  fmt::print("{:<10} {}\n", "failed", when(*letter));
  return Done{};
}

void print_changed(std::size_t count, const DeadLettersOptions& options) {
  const auto* done = options.verb == Verb::retry ? "put back to their steps" : "dropped";
  fmt::print("{} {}{}\n", count, options.dry_run ? "would be " : "", done);
}

Status change_all(Source& source, const Query& query, const DeadLettersOptions& options) {
  const auto changed = source.change_all(query, options);
  if (!changed) return changed.error();
  if (options.json) {
    fmt::print("{}\n", json::serialize(*changed));
    return Done{};
  }
  print_changed(changed->at("count").to_number<std::size_t>(), options);
  for (const auto& entry : changed->at("left").as_array()) {
    const auto& left = entry.as_object();
    fmt::print(stderr, "{} stay: {}\n", cell(left, "count"), cell(left, "reason"));
  }
  return Done{};
}

Status change(Source& source, const Query& query, const DeadLettersOptions& options) {
  const bool by_query = options.all || (options.ids.empty() && !members_of(query).empty());
  if (!options.body.empty() && (by_query || options.ids.size() != 1)) {
    return Error{Error::Kind::invalid, "--body is for one message: name it by its id"};
  }
  if (by_query) return change_all(source, query, options);
  if (options.ids.empty()) {
    return Error{Error::Kind::invalid, "name the messages by their ids, or say which: --flow, --step, --text …, --all"};
  }
  json::array changed;
  for (const auto& id : options.ids) {
    auto letter = options.dry_run ? source.show(id) : source.change(id, options);
    if (!letter) return letter.error().in(fmt::format("{} of {} done", changed.size(), options.ids.size()));
    changed.push_back(std::move(*letter));
  }
  if (!options.json) {
    print_changed(changed.size(), options);
    return Done{};
  }
  fmt::print("{}\n", json::serialize(json::object{{"dead_letters", std::move(changed)}}));
  return Done{};
}

Result<Query> query_of(const DeadLettersOptions& options) {
  Query query;
  query.flow = options.flow;
  query.step = options.step;
  query.code = options.code;
  query.text = options.text;
  for (const auto& [text, flag, member] : {std::tuple(&options.older_than, "--older-than", &Query::failed_before),
                                           std::tuple(&options.newer_than, "--newer-than", &Query::failed_after)}) {
    if (text->empty()) continue;
    const auto time = time_argument(*text, flag);
    if (!time) return time.error();
    query.*member = *time;
  }
  return query;
}

Status work(Source& source, const DeadLettersOptions& options) {
  const auto query = query_of(options);
  if (!query) return query.error();
  switch (options.verb) {
    case Verb::list:
      return list(source, *query, options);
    case Verb::show:
      return show(source, options);
    default:
      return change(source, *query, options);
  }
}

int exit_code_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::invalid:
      return ExitCode::usage;
    case Error::Kind::conflict:
    case Error::Kind::permission:
    case Error::Kind::io:
    case Error::Kind::damaged:
      return ExitCode::data_folder;
    default:
      return ExitCode::failed;
  }
}

/// The folder itself, where no server is meant and no platform runs on it.
std::optional<std::string> idle_folder(const Server& server) {
  if (!server.url.empty() || platform_runs(server.data_folder)) return std::nullopt;
  return server.data_folder;
}

}  // namespace

int dead_letters(const DeadLettersOptions& options) {
  const auto server = resolve(options.server);
  if (!server) {
    fmt::print(stderr, "millrace: {}\n", server.error().message);
    return exit_code_of(server.error());
  }
  const auto folder = idle_folder(*server);
  if (!folder) {
    return with_api(*server, [&](ApiClient& client) {
      RunningPlatform platform(client);
      return work(platform, options);
    });
  }
  log::start(log::Level::warning, "millrace");
  const auto done = with_data_folder(*folder, [&](api::DeadLetters& letters, io::posix::AsioLoop& loop) {
    IdleFolder idle(letters, loop);
    return work(idle, options);
  });
  if (done) return ExitCode::ok;
  fmt::print(stderr, "millrace: {}\n", done.error().message);
  return exit_code_of(done.error());
}

}  // namespace millrace::app
