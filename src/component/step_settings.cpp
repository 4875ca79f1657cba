#include "component/step_settings.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "component/json_document.hpp"
#include "component/json_text.hpp"

namespace millrace::component {
namespace json = boost::json;
namespace {

Error bad(std::string_view field, std::string_view expected) {
  return {Error::Kind::invalid, "step settings: \"" + std::string(field) + "\" must be " + std::string(expected)};
}

json::value text_or_null(const std::optional<std::string>& text) {
  return text ? json::value(json::string(*text)) : json::value(nullptr);
}

Status read_retry(const json::object& from, RetryPolicy& into) {
  const auto milliseconds = [&](std::string_view name, std::chrono::milliseconds& value) -> bool {
    const auto* found = from.if_contains(name);
    if (found == nullptr) return true;
    boost::system::error_code failed;
    const auto count = found->to_number<std::int64_t>(failed);
    if (failed || count < 0) return false;
    value = std::chrono::milliseconds(count);
    return true;
  };
  if (!milliseconds("initial_ms", into.initial)) return bad("millrace.retry.initial_ms", "a number of milliseconds");
  if (!milliseconds("max_ms", into.max)) return bad("millrace.retry.max_ms", "a number of milliseconds");
  boost::system::error_code failed;
  if (const auto* factor = from.if_contains("factor")) {
    into.factor = factor->to_number<double>(failed);
    if (failed) return bad("millrace.retry.factor", "a number");
  }
  if (const auto* attempts = from.if_contains("attempts")) {
    into.attempts = attempts->to_number<std::uint32_t>(failed);
    if (failed || into.attempts == 0) return bad("millrace.retry.attempts", "a positive number");
  }
  if (const auto* delays = from.if_contains("delays_ms")) {
    if (!delays->is_array()) return bad("millrace.retry.delays_ms", "a list of numbers of milliseconds");
    for (const auto& delay : delays->get_array()) {
      const auto count = delay.to_number<std::int64_t>(failed);
      if (failed || count < 0) return bad("millrace.retry.delays_ms", "a list of numbers of milliseconds");
      into.delays.emplace_back(count);
    }
  }
  return Done{};
}

json::value history_json(const std::optional<history::Policy>& policy) {
  if (!policy) return nullptr;
  return json::object{{"record", to_string(policy->record)},
                      {"fraction", policy->fraction},
                      {"redact", json::array(policy->redact.begin(), policy->redact.end())}};
}

Status read_history(const json::object& from, history::Policy& into) {
  const auto* record = from.if_contains("record");
  const auto kind = record != nullptr && record->is_string()
                        ? history::record_of(std::string_view(record->get_string()))
                        : std::nullopt;
  if (!kind) return bad("millrace.history.record", "none, errors, sampled or full");
  into.record = *kind;
  if (const auto* fraction = from.if_contains("fraction")) {
    boost::system::error_code failed;
    into.fraction = fraction->to_number<double>(failed);
    if (failed) return bad("millrace.history.fraction", "a number");
  }
  const auto* redact = from.if_contains("redact");
  if (redact == nullptr) return Done{};
  if (!redact->is_array()) return bad("millrace.history.redact", "a list");
  for (const auto& name : redact->get_array()) {
    if (!name.is_string()) return bad("millrace.history.redact", "a list of texts");
    into.redact.emplace_back(name.get_string());
  }
  return Done{};
}

Status read_millrace(const json::object& from, StepSettings& into) {
  for (const auto& [name, field] : {std::pair{"input", &into.input}, std::pair{"when", &into.when}}) {
    const auto* value = from.if_contains(name);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_string()) return bad(std::string("millrace.") + name, "JSONata source");
    *field = std::string(value->get_string());
  }
  if (const auto* successors = from.if_contains("has_successors")) {
    if (!successors->is_bool()) return bad("millrace.has_successors", "true or false");
    into.has_successors = successors->get_bool();
  }
  if (const auto* startup = from.if_contains("startup")) {
    if (!startup->is_bool()) return bad("millrace.startup", "true or false");
    into.startup = startup->get_bool();
  }
  if (const auto* objects = from.if_contains("objects")) {
    auto& access = into.objects.emplace();
    for (const auto& [name, field] :
         {std::pair{"token", &access.token}, std::pair{"password", &access.password}, std::pair{"iv", &access.iv}}) {
      const auto* value = objects->is_object() ? objects->get_object().if_contains(name) : nullptr;
      if (value == nullptr || !value->is_string()) return bad("millrace.objects", "an object with texts");
      *field = std::string(value->get_string());
    }
  }
  if (const auto* program = from.if_contains("program")) {
    if (!program->is_object()) return bad("millrace.program", "an object");
    auto read = Program::from_json(program->get_object());
    if (!read) return read.error();
    into.program = std::move(*read);
  }
  if (const auto* concurrency = from.if_contains("concurrency")) {
    boost::system::error_code failed;
    into.concurrency = concurrency->to_number<std::uint32_t>(failed);
    if (failed) return bad("millrace.concurrency", "a number");
  }
  if (const auto* steps = from.if_contains("next_steps")) {
    boost::system::error_code failed;
    into.next_steps = steps->to_number<std::uint32_t>(failed);
    if (failed) return bad("millrace.next_steps", "a number");
  }
  if (const auto* policy = from.if_contains("history"); policy != nullptr && !policy->is_null()) {
    if (!policy->is_object()) return bad("millrace.history", "an object");
    if (auto read = read_history(policy->get_object(), into.history.emplace()); !read) return read;
  }
  if (const auto* key = from.if_contains("health_key")) {
    if (!key->is_string()) return bad("millrace.health_key", "text");
    into.health_key = std::string(key->get_string());
  }
  if (const auto* key = from.if_contains("accounts_key")) {
    if (!key->is_string()) return bad("millrace.accounts_key", "text");
    into.accounts_key = std::string(key->get_string());
  }
  if (const auto* ratio = from.if_contains("trace_ratio")) {
    boost::system::error_code failed;
    into.trace_ratio = ratio->to_number<double>(failed);
    if (failed) return bad("millrace.trace_ratio", "a number");
  }
  if (const auto* credential = from.if_contains("credential"); credential != nullptr && !credential->is_null()) {
    if (!credential->is_string()) return bad("millrace.credential", "the name of a credential");
    into.credential = std::string(credential->get_string());
  }
  if (const auto* retry = from.if_contains("retry")) {
    if (!retry->is_object()) return bad("millrace.retry", "an object");
    return read_retry(retry->get_object(), into.retry);
  }
  return Done{};
}

}  // namespace

std::string StepSettings::to_json() const {
  json::object retry_part{{"initial_ms", retry.initial.count()},
                          {"factor", retry.factor},
                          {"max_ms", retry.max.count()},
                          {"attempts", retry.attempts}};
  if (!retry.delays.empty()) {
    json::array delays;
    for (const auto delay : retry.delays) delays.emplace_back(delay.count());
    retry_part["delays_ms"] = std::move(delays);
  }
  json::object millrace_part{{"input", text_or_null(input)},   {"when", text_or_null(when)},
                             {"retry", std::move(retry_part)}, {"concurrency", concurrency},
                             {"health_key", health_key},       {"has_successors", has_successors},
                             {"next_steps", next_steps},       {"history", history_json(history)}};
  if (!accounts_key.empty()) millrace_part["accounts_key"] = accounts_key;
  if (trace_ratio) millrace_part["trace_ratio"] = *trace_ratio;
  if (program) millrace_part["program"] = program->to_json();
  if (objects) {
    millrace_part["objects"] =
        json::object{{"token", objects->token}, {"password", objects->password}, {"iv", objects->iv}};
  }
  if (startup) millrace_part["startup"] = true;
  if (!credential.empty()) millrace_part["credential"] = credential;
  return contract_json({{"millrace", std::move(millrace_part)}});
}

std::string StepSettings::contract_json(json::object more) const {
  json::object all{{"id", id},         {"comp_id", component},          {"function", function},
                   {"config", config}, {"is_passthrough", passthrough}, {"variables", json::object{}}};
  for (auto& [name, value] : more) all[name] = std::move(value);
  std::string text = json::serialize(all);
  text.pop_back();
  return text + ",\"snapshot\":" + (snapshot.empty() ? "{}" : snapshot) + "}";
}

Result<StepSettings> StepSettings::from_json(std::string_view text) {
  const auto parsed = parse_document(text);
  if (!parsed || !parsed->is_object()) return Error{Error::Kind::invalid, "step settings: not a JSON object"};
  const auto& all = parsed->get_object();

  StepSettings settings;
  for (const auto& [name, field] : {std::pair{"id", &settings.id}, std::pair{"comp_id", &settings.component},
                                    std::pair{"function", &settings.function}}) {
    const auto* value = all.if_contains(name);
    if (value == nullptr || !value->is_string()) return bad(name, "text");
    *field = std::string(value->get_string());
  }
  if (const auto* config = all.if_contains("config")) {
    if (!config->is_object()) return bad("config", "an object");
    settings.config = config->get_object();
  }
  if (const auto* passthrough = all.if_contains("is_passthrough")) {
    if (!passthrough->is_bool()) return bad("is_passthrough", "true or false");
    settings.passthrough = passthrough->get_bool();
  }
  if (all.contains("snapshot")) settings.snapshot = std::string(json_text::member(text, "snapshot"));
  if (const auto* native = all.if_contains("millrace")) {
    if (!native->is_object()) return bad("millrace", "an object");
    if (auto status = read_millrace(native->get_object(), settings); !status) return status.error();
  }
  return settings;
}

}  // namespace millrace::component
