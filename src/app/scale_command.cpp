#include <charconv>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/deployment_command.hpp"
#include "app/exit_code.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

/// The body to send; null for "auto".
Result<json::object> wanted_of(const std::string& text) {
  if (text == "auto") return json::object{{"instances", nullptr}};
  unsigned count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return Error{Error::Kind::invalid, fmt::format("\"{}\" is no number of instances (write 0 to 64, or auto)", text)};
  }
  return json::object{{"instances", count}};
}

std::string from_file(const json::object& scale) {
  if (cell(scale, "target_backlog") == "-") return cell(scale, "max");
  return fmt::format("{} to {}, {} messages each", cell(scale, "min"), cell(scale, "max"),
                     cell(scale, "target_backlog"));
}

void print(const json::object& scale) {
  print_table({{"step", cell(scale, "flow") + "/" + cell(scale, "step")},
               {"instances", cell(scale, "connected") + " of " + cell(scale, "wanted")},
               {"flow file", from_file(scale)},
               {"set by hand", cell(scale, "by_hand")},
               {"waiting", cell(scale, "waiting")},
               {"in work", cell(scale, "in_work")}});
}

}  // namespace

int scale_step(const ApiOptions& options) {
  const auto slash = options.step.find('/');
  if (slash == std::string::npos) {
    fmt::print(stderr, "millrace: \"{}\" names no step (write FLOW/STEP)\n", options.step);
    return ExitCode::usage;
  }
  ApiRequest request;
  request.target = fmt::format("/v1/flows/{}/steps/{}/scale", percent_encoded(options.step.substr(0, slash)),
                               percent_encoded(options.step.substr(slash + 1)));
  if (!options.count.empty()) {
    const auto wanted = wanted_of(options.count);
    if (!wanted) {
      fmt::print(stderr, "millrace: {}\n", wanted.error().message);
      return ExitCode::usage;
    }
    request.method = "PUT";
    request.body = json::serialize(*wanted);
  }
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto scale = client.ask(request);
    if (!scale) return scale.error();
    if (options.json) {
      fmt::print("{}\n", json::serialize(scale->body));
    } else {
      print(scale->body.as_object());
    }
    return Done{};
  });
}

}  // namespace millrace::app
