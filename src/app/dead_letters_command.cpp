#include <cstdio>
#include <ctime>
#include <limits>
#include <memory>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/control_client.hpp"
#include "app/exit_code.hpp"
#include "app/offline.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;
using Verb = DeadLettersOptions::Verb;

/// Dead letters wherever they can be had: from the running platform, or from its data folder.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<json::array> list(const std::string& flow) = 0;
  virtual Result<json::object> show(const std::string& id) = 0;
  virtual Result<json::object> change(const std::string& id, Verb verb) = 0;
};

std::string encoded(const std::string& text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

Error::Kind kind_of(int status) {
  return status == 400 ? Error::Kind::invalid : status == 404 ? Error::Kind::not_found : Error::Kind::unavailable;
}

class RunningPlatform final : public Source {
 public:
  explicit RunningPlatform(std::string folder) : folder_(std::move(folder)) {}

  Result<json::array> list(const std::string& flow) override {
    json::array letters;
    std::string cursor;
    for (;;) {
      auto answer = ask("GET", "?limit=200&flow=" + encoded(flow) + "&cursor=" + cursor);
      if (!answer) return answer.error();
      for (auto& letter : answer->at("items").as_array()) letters.push_back(std::move(letter));
      if (answer->at("next").is_null()) return letters;
      cursor = std::string(answer->at("next").as_string());
    }
  }
  Result<json::object> show(const std::string& id) override { return ask("GET", "/" + encoded(id)); }
  Result<json::object> change(const std::string& id, Verb verb) override {
    return verb == Verb::retry ? ask("POST", "/" + encoded(id) + "/retry") : ask("DELETE", "/" + encoded(id));
  }

 private:
  Result<json::object> ask(std::string_view method, const std::string& rest) {
    const auto answer = ask_platform(folder_, method, "/v1/dead-letters" + rest);
    if (!answer) return answer.error();
    boost::system::error_code failed;
    auto body = json::parse(answer->body, failed);
    if (failed || !body.is_object()) return Error{Error::Kind::unavailable, "the platform's answer is not understood"};
    if (answer->status == 200) return std::move(body.as_object());
    const auto* detail = body.as_object().if_contains("detail");
    return Error{kind_of(answer->status), detail != nullptr && detail->is_string()
                                              ? std::string(detail->get_string())
                                              : fmt::format("the platform answered {}", answer->status)};
  }

  std::string folder_;
};

class IdleFolder final : public Source {
 public:
  explicit IdleFolder(api::DeadLetters& letters) : letters_(letters) {}

  Result<json::array> list(const std::string& flow) override {
    json::array result;
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    for (const auto& letter : letters_.page({flow, {}, {}}, 0, all)) result.push_back(letter.to_json(false));
    return result;
  }
  Result<json::object> show(const std::string& id) override {
    const auto letter = letters_.find(id);
    if (!letter) return letter.error();
    return letter->to_json(true);
  }
  Result<json::object> change(const std::string& id, Verb verb) override {
    const auto letter = letters_.find(id);
    if (!letter) return letter.error();
    // Durable when the folder is closed.
    const auto done =
        verb == Verb::retry ? letters_.retry(*letter, std::nullopt, nullptr) : letters_.drop(*letter, nullptr);
    if (!done) return done.error();
    return letter->to_json(false);
  }

 private:
  api::DeadLetters& letters_;
};

std::string text(const json::object& letter, std::string_view name) {
  const auto* value = letter.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string when(const json::object& letter) {
  const auto* value = letter.if_contains("failed_at");
  const auto ms = value != nullptr && value->is_int64() ? value->get_int64() : 0;
  if (ms == 0) return "                   -";
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

void print(const json::object& letter) {
  fmt::print("{}  {}  {}/{}  {}: {}\n", text(letter, "id"), when(letter), text(letter, "flow"), text(letter, "step"),
             text(letter, "code"), text(letter, "reason"));
}

Status list(Source& source, const DeadLettersOptions& options) {
  auto letters = source.list(options.flow);
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

Status change(Source& source, const DeadLettersOptions& options) {
  auto ids = options.ids;
  if (options.all) {
    const auto letters = source.list(options.flow);
    if (!letters) return letters.error();
    for (const auto& letter : *letters) ids.push_back(text(letter.as_object(), "id"));
  } else if (ids.empty()) {
    return Error{Error::Kind::invalid, "name the messages by their ids, or say --all"};
  }
  json::array changed;
  for (const auto& id : ids) {
    auto letter = source.change(id, options.verb);
    if (!letter) return letter.error().in(fmt::format("{} of {} done", changed.size(), ids.size()));
    changed.push_back(std::move(*letter));
  }
  if (options.json) {
    fmt::print("{}\n", json::serialize(json::object{{"dead_letters", std::move(changed)}}));
  } else {
    fmt::print("{} {}\n", changed.size(), options.verb == Verb::retry ? "put back to their steps" : "dropped");
  }
  return Done{};
}

Status work(Source& source, const DeadLettersOptions& options) {
  switch (options.verb) {
    case Verb::list:
      return list(source, options);
    case Verb::show:
      return show(source, options);
    default:
      return change(source, options);
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

}  // namespace

int dead_letters(const DeadLettersOptions& options) {
  log::start(log::Level::warning, "millrace");
  Status done = Done{};
  if (platform_runs(options.data_folder)) {
    RunningPlatform platform(options.data_folder);
    done = work(platform, options);
  } else {
    done = with_data_folder(options.data_folder, [&](api::DeadLetters& letters) {
      IdleFolder folder(letters);
      return work(folder, options);
    });
  }
  if (done) return ExitCode::ok;
  fmt::print(stderr, "millrace: {}\n", done.error().message);
  return exit_code_of(done.error());
}

}  // namespace millrace::app
