#include "hosting/lines/answer.hpp"

#include <charconv>

#include <fmt/format.h>

#include "component/json_text.hpp"

namespace millrace::hosting::lines {
namespace json_text = component::json_text;

namespace {

Error bad(std::string what) {
  return {Error::Kind::invalid, std::move(what)};
}

std::string_view member(std::string_view line, std::string_view name) {
  return json_text::member(line, name);
}

/// {"error": "what happened"} or {"error": {"code": "shop.closed", "message": "what happened", …}}.
component::Failure failure_from(std::string_view value) {
  const auto message = json_text::as_text(member(value, "message"));
  if (value.front() != '{' || message.empty()) return {"component.error", json_text::as_text(value)};
  const auto code = json_text::as_text(member(value, "code"));
  return {code.empty() ? "component.error" : code, message, std::string(value)};
}

Status read_delay(std::string_view line, Answer& into) {
  const auto after = member(line, "after");
  if (after.empty()) return Done{};
  double seconds = 0;
  const auto [end, failed] = std::from_chars(after.data(), after.data() + after.size(), seconds);
  if (failed != std::errc() || end != after.data() + after.size() || seconds < 0 || seconds > 30 * 86'400.0) {
    return bad("\"after\" must be a number of seconds, at most 30 days");
  }
  into.retry_after = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1'000));
  return Done{};
}

bool read_part(std::string_view line, std::string_view name, std::string_view value, Answer& into) {
  if (name == "data") {
    into.data = component::Emission{.body = std::string(value),
                                    .headers = std::string(member(line, "headers")),
                                    .attachments = std::string(member(line, "attachments"))};
  } else if (name == "reply") {
    into.reply = value;
  } else if (name == "snapshot") {
    into.snapshot = value;
  } else if (name == "credential") {
    into.credential = value;
  } else if (name == "error") {
    into.error = failure_from(value);
  } else if (name == "rebound") {
    into.rebound = json_text::as_text(value);
  } else if (name == "log") {
    into.log = json_text::as_text(value);
    const auto level = json_text::as_text(member(line, "level"));
    into.warns = level == "warning" || level == "error";
  } else if (name == "end") {
    into.end = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<Answer> Answer::read(std::string_view line) {
  Answer answer;
  int parts = 0;
  const auto members = json_text::members(line, [&](std::string_view name, std::string_view value) {
    if (name == "id") answer.id = json_text::as_text(value);
    if (read_part(line, name, value, answer)) ++parts;
  });
  if (!members) return members.error();
  if (parts != 1) {
    return bad(
        fmt::format("a line must have one of \"data\", \"reply\", \"snapshot\", \"credential\", \"error\", "
                    "\"rebound\", \"log\" and \"end\", but this has {}",
                    parts == 0 ? "none" : "several"));
  }
  if (answer.snapshot && answer.snapshot->front() != '{') return bad("\"snapshot\" must be an object");
  if (answer.credential && answer.credential->front() != '{') {
    return bad("\"credential\" must be an object: fields of the credential that are new");
  }
  if (answer.reply && answer.reply->front() != '{') return bad("\"reply\" must be an object: status, headers, body");
  if (auto delay = read_delay(line, answer); !delay) return delay.error();
  return answer;
}

}  // namespace millrace::hosting::lines
