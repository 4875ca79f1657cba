#include "app/recorded_case.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "core/time/timestamp.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// A member of a message; null if it is not there.
json::value part(const json::value& message, std::string_view name) {
  if (!message.is_object()) return nullptr;
  const auto* value = message.get_object().if_contains(name);
  return value == nullptr ? json::value(nullptr) : *value;
}

/// One try of a step at a message, with what it put out.
struct Try {
  const json::object* attempt;
  std::vector<json::value> outputs = {};  ///< messages
  std::int64_t at() const { return attempt->at("at").to_number<std::int64_t>(); }
};

/// What each step has done, in the order of time.
std::map<std::string, std::vector<Try>> tries_of(const json::object& execution) {
  std::map<std::string, const json::object*> messages;
  const auto& all = execution.at("messages").as_array();
  for (const auto& entry : all) messages[text(entry.as_object(), "id")] = &entry.as_object();
  std::map<std::string, std::vector<Try>> tries;
  for (const auto& entry : all) {
    for (const auto& step : entry.at("steps").as_array()) {
      for (const auto& attempt : step.at("attempts").as_array()) {
        Try one{&attempt.as_object()};
        for (const auto& output : attempt.at("outputs").as_array()) {
          const auto known = messages.find(text(output.as_object(), "id"));
          one.outputs.push_back(known != messages.end() ? known->second->at("message") : part(output, "message"));
        }
        tries[text(step.as_object(), "step")].push_back(std::move(one));
      }
    }
  }
  for (auto& [step, list] : tries) {
    std::ranges::stable_sort(list, [](const Try& a, const Try& b) { return a.at() < b.at(); });
  }
  return tries;
}

/// Headers of an answer that decide how it is read.
json::object answer_headers(const json::value& headers) {
  json::object kept;
  for (const auto* name : {"content-type", "retry-after", "link", "etag", "location"}) {
    const auto value = part(headers, name);
    if (value.is_string()) kept[name] = value;
  }
  return kept;
}

void put_body(json::object& answer, const json::value& body) {
  if (body.is_null() || (body.is_object() && body.get_object().empty())) return;
  if (body.is_object() && body.get_object().size() == 1) {
    for (const auto* form : {"text", "base64"}) {
      if (const auto* value = body.get_object().if_contains(form); value != nullptr && value->is_string()) {
        answer[form] = *value;
        return;
      }
    }
  }
  answer["body"] = body;
}

/// What an HTTP target answered to one try.
json::value http_answer(const Try& one) {
  if (!one.outputs.empty()) {
    const auto headers = part(one.outputs.front(), "headers");
    const auto status = part(headers, "statusCode");
    json::object answer{{"status", status.is_number() ? status : json::value(200)}};
    if (auto kept = answer_headers(part(headers, "headers")); !kept.empty()) answer["headers"] = std::move(kept);
    put_body(answer, part(one.outputs.front(), "body"));
    return answer;
  }
  const auto& failure = one.attempt->at("failure");
  if (failure.is_null()) return json::object{{"status", 204}};
  const auto details = part(failure, "details");
  if (const auto status = part(details, "statusCode"); status.is_number()) {
    json::object answer{{"status", status}};
    if (auto kept = answer_headers(part(details, "headers")); !kept.empty()) answer["headers"] = std::move(kept);
    put_body(answer, part(details, "body"));
    return answer;
  }
  const auto code = text(failure.as_object(), "code");
  if (code == "http.timeout") return "timeout";
  if (code == "http.untrusted") return "untrusted";
  return "refused";
}

json::value mail_answer(const Try& one) {
  const auto& failure = one.attempt->at("failure");
  if (failure.is_null()) return "accepted";
  const auto code = text(failure.as_object(), "code");
  if (const auto reply = part(part(failure, "details"), "replyCode"); reply.is_number()) return reply;
  if (code.ends_with(".timeout")) return "timeout";
  if (code.ends_with(".login")) return "login";
  return "refused";
}

json::array stubs_of(const std::map<std::string, std::vector<Try>>& tries, const StepFunctions& functions) {
  json::array stubs;
  for (const auto& [step, list] : tries) {
    const auto known = functions.find(step);
    const auto function = known == functions.end() ? std::string() : known->second;
    const bool http = function == "http.request";
    if (!http && function != "email.send") continue;
    json::array answers;
    for (const auto& one : list) {
      if (text(*one.attempt, "outcome") != "filtered") answers.push_back(http ? http_answer(one) : mail_answer(one));
    }
    if (answers.empty()) continue;
    stubs.push_back(json::object{{http ? "http" : "smtp", "*"}, {"step", step}, {"answers", std::move(answers)}});
  }
  return stubs;
}

/// The bodies that a step put out; of one that calls out only how many, where several answers came in an order of their
/// own. What http.reply put out went to the caller.
json::object expected_step(const std::vector<Try>& list, const std::string& function) {
  const bool calls_out = function == "http.request" || function == "email.send";
  json::array outputs;
  json::array dead_letters;
  std::int64_t filtered = 0;
  for (const auto& one : list) {
    const auto outcome = text(*one.attempt, "outcome");
    if (outcome == "filtered") ++filtered;
    if (outcome == "failed") dead_letters.push_back(json::object{{"code", part(one.attempt->at("failure"), "code")}});
    for (const auto& output : one.outputs) outputs.push_back(json::object{{"body", part(output, "body")}});
  }
  json::object step;
  const auto count = static_cast<std::int64_t>(outputs.size());
  if (function != "http.reply") {
    step["outputs"] = calls_out && count > 1 ? json::value(count) : json::value(std::move(outputs));
  }
  if (!dead_letters.empty()) step["dead_letters"] = std::move(dead_letters);
  // Whether what was filtered had come as far as the action is not recorded.
  if (filtered > 0) {
    step["filtered"] = filtered;
  } else {
    step["attempts"] = static_cast<std::int64_t>(list.size());
  }
  return step;
}

json::object expectations(const std::map<std::string, std::vector<Try>>& tries, const StepFunctions& functions) {
  json::object steps;
  for (const auto& [step, list] : tries) {
    const auto known = functions.find(step);
    steps[step] = expected_step(list, known == functions.end() ? std::string() : known->second);
  }
  return {{"steps", std::move(steps)}};
}

/// A webhook's request as it was.
json::object given_webhook(const json::value& message) {
  json::object webhook;
  if (const auto method = part(message, "method"); method.is_string() && method.get_string() != "POST") {
    webhook["method"] = method;
  }
  if (const auto query = part(message, "query"); query.is_object() && !query.get_object().empty()) {
    webhook["query"] = query;
  }
  json::object headers;
  if (const auto all = part(message, "headers"); all.is_object()) {
    for (const auto& [name, value] : all.get_object()) {
      constexpr std::array of_transport = {"host",       "content-length", "content-type", "accept", "accept-encoding",
                                           "user-agent", "connection",     "authorization"};
      if (std::ranges::find(of_transport, std::string_view(name)) == of_transport.end()) headers[name] = value;
    }
  }
  if (!headers.empty()) webhook["headers"] = std::move(headers);
  webhook["body"] = part(message, "body");
  return webhook;
}

std::string timestamp(std::int64_t at) {
  constexpr std::int64_t second = 1'000;
  return to_timestamp(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(at / second * second)));
}

}  // namespace

Result<json::object> recorded_case(const json::object& execution, const StepFunctions& functions) {
  const auto id = text(execution, "id");
  const auto via = text(execution, "via");
  const auto& messages = execution.at("messages").as_array();
  if (via.empty() || messages.empty() || messages[0].at("message").is_null()) {
    return Error{Error::Kind::unsupported,
                 fmt::format("the beginning of the execution {} is not recorded, so it cannot be repeated "
                             "(record whole executions with `history: full`)",
                             id)};
  }
  if (text(execution, "state") == "running") {
    return Error{Error::Kind::unsupported, fmt::format("the execution {} is not over yet", id)};
  }
  const auto tries = tries_of(execution);
  const auto& first = messages[0].as_object();
  json::object given;
  if (part(first.at("message"), "method").is_string()) {
    given["webhook"] = given_webhook(first.at("message"));
  } else if (via == "timer") {
    given["ticks"] = 1;
  } else {
    const auto steps = first.at("steps").as_array();
    if (steps.size() != 1) {
      return Error{Error::Kind::unsupported, fmt::format("the execution {} began with a message to several steps", id)};
    }
    json::object message{{"step", steps[0].at("step")}, {"body", part(first.at("message"), "body")}};
    if (const auto headers = part(first.at("message"), "headers"); headers.is_object()) message["headers"] = headers;
    given["message"] = std::move(message);
  }
  json::object one{{"name", "execution " + id}, {"starts_at", timestamp(execution.at("began_at").as_int64())}};
  if (auto stubs = stubs_of(tries, functions); !stubs.empty()) one["stubs"] = std::move(stubs);
  one["given"] = json::array{std::move(given)};
  one["expect"] = expectations(tries, functions);
  return one;
}

json::object recorded_environment(const std::string& flow_text, const json::object& execution) {
  std::vector<std::string> urls;
  for (const auto& [step, list] : tries_of(execution)) {
    for (const auto& one : list) {
      for (const auto& output : one.outputs) {
        const auto url = part(part(output, "headers"), "url");
        if (url.is_string()) urls.emplace_back(url.get_string());
      }
    }
  }
  json::object environment;
  for (auto at = flow_text.find("${"); at != std::string::npos; at = flow_text.find("${", at + 2)) {
    const auto end = flow_text.find('}', at);
    if (end == std::string::npos) break;
    auto name = flow_text.substr(at + 2, end - at - 2);
    name = name.substr(0, name.find(':'));
    if (name.empty() || environment.contains(name)) continue;
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return c == '_' ? '-' : static_cast<char>(std::tolower(c)); });
    // What follows the variable in the file, "/posts", ends the address that was called.
    const auto rest = flow_text.substr(end + 1, flow_text.find_first_of("\"' \n,}", end + 1) - end - 1);
    const auto called =
        std::ranges::find_if(urls, [&](const auto& url) { return !rest.empty() && url.ends_with(rest); });
    if (called != urls.end()) {
      environment[name] = called->substr(0, called->size() - rest.size());
    } else if (lower.find("smtp") != std::string::npos || lower.find("mail") != std::string::npos) {
      environment[name] = "smtp://mail.test";
    } else {
      environment[name] = lower.find("url") != std::string::npos ? "http://" + lower + ".test" : "x";
    }
  }
  return environment;
}

}  // namespace millrace::app
