#include "app/context_command.hpp"

#include <cstdio>
#include <iostream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/contexts.hpp"
#include "app/exit_code.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

/// Loads the contexts, does the work on them, and says what went wrong.
int with_contexts(const std::function<Status(Contexts&)>& work) {
  auto contexts = Contexts::load();
  const Status done = contexts ? work(*contexts) : Status(contexts.error());
  if (done) return ExitCode::ok;
  fmt::print(stderr, "millrace: {}\n", done.error().message);
  return done.error().kind == Error::Kind::invalid ? ExitCode::usage : ExitCode::failed;
}

Error unknown(const std::string& name) {
  return {Error::Kind::not_found, fmt::format("there is no context {} (millrace context list)", name)};
}

Result<std::string> token_from(const std::string& file) {
  if (file != "-") return read_token_file(file);
  std::string token;
  if (std::cin >> token) return token;
  return Error{Error::Kind::invalid, "there is no token on standard input"};
}

}  // namespace

int add_context(const ContextOptions& options) {
  return with_contexts([&](Contexts& contexts) -> Status {
    if (!options.server.starts_with("http://") && !options.server.starts_with("https://")) {
      return Error{Error::Kind::invalid,
                   fmt::format("{} is no URL of a platform (http://… or https://…)", options.server)};
    }
    auto token = token_from(options.token_file);
    if (!token) return token.error();
    contexts.by_name[options.name] = {options.server, std::move(*token)};
    if (contexts.current.empty()) contexts.current = options.name;
    if (auto saved = contexts.save(); !saved) return saved;
    fmt::print("{}  {}{}\n", options.name, options.server, contexts.current == options.name ? "  (in use)" : "");
    return Done{};
  });
}

int use_context(const ContextOptions& options) {
  return with_contexts([&](Contexts& contexts) -> Status {
    if (!options.name.empty() && !contexts.by_name.contains(options.name)) return unknown(options.name);
    contexts.current = options.name;
    return contexts.save();
  });
}

int list_contexts(const ContextOptions& options) {
  return with_contexts([&](Contexts& contexts) -> Status {
    json::array all;
    std::vector<std::vector<std::string>> rows = {{"IN USE", "NAME", "SERVER"}};
    for (const auto& [name, context] : contexts.by_name) {
      const bool is_used = name == contexts.current;
      all.push_back({{"name", name}, {"server", context.server}, {"in_use", is_used}});
      rows.push_back({is_used ? "*" : "", name, context.server});
    }
    if (options.json) {
      fmt::print("{}\n", json::serialize(json::object{{"contexts", std::move(all)}}));
    } else {
      print_table(rows);
    }
    return Done{};
  });
}

int remove_context(const ContextOptions& options) {
  return with_contexts([&](Contexts& contexts) -> Status {
    if (contexts.by_name.erase(options.name) == 0) return unknown(options.name);
    if (contexts.current == options.name) contexts.current.clear();
    return contexts.save();
  });
}

}  // namespace millrace::app
