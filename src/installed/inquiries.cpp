#include "installed/inquiries.hpp"

#include <filesystem>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/base64.hpp"
#include "core/id.hpp"
#include "installed/command.hpp"

namespace millrace::installed {
namespace {

namespace json = boost::json;
using Kind = Question::Kind;

constexpr std::chrono::seconds time_max{20};
constexpr std::uint64_t memory_max = 1u << 30;
constexpr std::uint64_t answer_max = 10'000'000;  ///< bytes
constexpr std::size_t config_max = 100'000;       ///< bytes: what fits into a variable of the environment
constexpr const char* api_user = "inquiry";
constexpr std::string_view secrets_path = "/v2/workspaces/";
constexpr std::size_t shown_max = 2'000;  ///< bytes of its output in an error

std::string_view method_of(Kind kind) {
  switch (kind) {
    case Kind::verify:
      return "verifyCredentials";
    case Kind::metadata:
      return "getMetaModel";
    case Kind::select:
      return "selectModel";
  }
  return "";
}

json::object choices_of(const json::value& model) {
  json::object choices;
  if (model.is_object()) choices = model.get_object();
  if (model.is_array()) {
    for (const auto& value : model.get_array()) {
      if (value.is_string()) choices[value.get_string()] = value;
    }
  }
  return {{"choices", std::move(choices)}};
}

/// What the component sent, as the answer to the question.
Result<json::object> read_answer(Kind kind, const std::string& body) {
  boost::system::error_code failed;
  const auto parsed = json::parse(body, failed);
  const auto* status = !failed && parsed.is_object() ? parsed.get_object().if_contains("status") : nullptr;
  const auto* data = status == nullptr ? nullptr : parsed.get_object().if_contains("data");
  if (data == nullptr) return Error{Error::Kind::unavailable, "the component's answer is not understood"};
  const json::object nothing;
  const auto& object = data->is_object() ? data->get_object() : nothing;
  const auto text = [&](std::string_view name) {
    const auto* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  const bool success = status->is_string() && status->get_string() == "success";
  if (kind == Kind::verify) {
    const auto* verified = object.if_contains("verified");
    const bool good = success && verified != nullptr && verified->is_bool() && verified->get_bool();
    json::object answer{{"verified", good}, {"reason", nullptr}};
    if (!good) answer["reason"] = text(success ? "reason" : "message");
    return answer;
  }
  if (!success) return Error{Error::Kind::invalid, "the component says: " + text("message")};
  if (kind == Kind::select) return choices_of(*data);
  json::object answer{{"in", nullptr}, {"out", nullptr}};
  for (const auto& [name, schema] : object) {
    if (name == "in" || name == "out") answer[name] = schema;
  }
  return answer;
}

/// What component.json says by itself; null: the component has to be asked.
Result<json::value> known_answer(const ComponentFile& file, const Question& question, std::string& model) {
  if (question.kind == Kind::verify) return json::value(nullptr);
  const auto* function = file.find(question.function);
  if (function == nullptr) {
    return Error{Error::Kind::not_found, fmt::format("the component has no trigger or action {}", question.function)};
  }
  if (question.kind == Kind::metadata) {
    if (function->dynamic_metadata) return json::value(nullptr);
    return json::value{{"in", function->metadata_in}, {"out", function->metadata_out}};
  }
  const auto* field = function->fields.if_contains(question.field);
  if (field == nullptr) field = file.credential_fields.if_contains(question.field);
  if (field == nullptr) {
    return Error{Error::Kind::not_found, fmt::format("{} has no field {}", question.function, question.field)};
  }
  const auto* said = field->as_object().if_contains("model");
  if (said == nullptr) {
    return Error{Error::Kind::invalid, fmt::format("{} has no choices: any value may stand there", question.field)};
  }
  if (!said->is_string()) return json::value(choices_of(*said));
  model = std::string(said->get_string());
  return json::value(nullptr);
}

/// As the library looks for it.
bool has_verification(const Installation& installation) {
  std::error_code failed;
  for (const char* ending : {".js", ".json", "/index.js"}) {
    if (std::filesystem::exists(installation.folder + "/verifyCredentials" + ending, failed)) return true;
  }
  return false;
}

io::posix::HttpResponse refusal(int status, std::string_view why) {
  return {status, "application/json", json::serialize(json::object{{"error", why}}), {}};
}

std::string tail(const std::string& output) {
  return output.size() <= shown_max ? output : "…" + output.substr(output.size() - shown_max);
}

}  // namespace

struct Inquiries::Asked {
  Kind kind;
  Answered answered;
  std::optional<Question::Account> account;
  std::unique_ptr<Command> command = {};
};

Inquiries::Inquiries(io::posix::AsioLoop& loop) : loop_(loop) {}
Inquiries::~Inquiries() = default;

Status Inquiries::open() {
  if (door_) return Done{};
  auto door = io::posix::HttpServer::listen(loop_, "127.0.0.1:0", {}, *this);
  if (!door) return door.error();
  door_ = std::move(*door);
  return Done{};
}

void Inquiries::ask(const Installation& installation, const Question& question, Answered answered) {
  std::string model;
  auto known = known_answer(installation.file, question, model);
  const auto tell = [&](Result<json::object> result) {
    loop_.post([answered, result = std::move(result)] { answered(result); });
  };
  if (!known) return tell(known.error());
  if (known->is_object()) return tell(known->get_object());
  if (!installation.file.command.empty()) {
    return tell(Error{Error::Kind::unsupported,
                      fmt::format("{} cannot be asked that: it is no component for Node.js", installation.name)});
  }
  if (question.kind == Kind::verify && !has_verification(installation)) {
    return tell(Error{Error::Kind::unsupported,
                      fmt::format("verified by nobody: {} has no verifyCredentials.js", installation.name)});
  }
  if (auto opened = open(); !opened) return tell(opened.error());
  start(installation, question, model, std::move(answered));
}

void Inquiries::start(const Installation& installation, const Question& question, const std::string& model,
                      Answered answered) {
  const auto token = random_token();
  const auto address = fmt::format("http://127.0.0.1:{}", door_->port());
  auto config = json::serialize(question.config);
  auto& asked =
      *asked_.emplace(token, std::make_unique<Asked>(Asked{question.kind, std::move(answered), question.account}))
           .first->second;
  if (config.size() > config_max) {
    return loop_.post([this, token] { finish(token, Error{Error::Kind::limit, "the config is larger than 100 kB"}); });
  }
  CommandSpec spec{
      .folder = installation.folder,
      .words = {"node", "./node_modules/elasticio-sailor-nodejs/runService.js", std::string(method_of(question.kind))},
      .environment = installation.record.environment,
      .time_max = time_max,
      .memory_max = memory_max};
  for (auto& [name, value] :
       std::initializer_list<std::pair<const char*, std::string>>{{"POST_RESULT_URL", address + "/" + token},
                                                                  {"CFG", std::move(config)},
                                                                  {"ACTION_OR_TRIGGER", question.function},
                                                                  {"GET_MODEL_METHOD", model},
                                                                  {"API_URI", address},
                                                                  {"API_USERNAME", api_user},
                                                                  {"WORKSPACE_ID", "millrace"},
                                                                  {"API_KEY", token},
                                                                  {"API_REQUEST_RETRY_ATTEMPTS", "2"},
                                                                  {"API_REQUEST_RETRY_DELAY", "100"}}) {
    spec.environment.emplace_back(std::string("ELASTICIO_") + name, value);
  }
  asked.command = std::make_unique<Command>(loop_, std::move(spec), [this, token](const CommandEnd& end) {
    finish(token,
           Error{Error::Kind::unavailable,
                 fmt::format("the component gave no answer: {}\n{}",
                             end.why.empty() ? std::string("it ended before it had one") : end.why, tail(end.output))});
  });
}

std::uint64_t Inquiries::body_max(const io::posix::HttpRequest&) const {
  return answer_max;
}

/// As elastic.io's API answers about credentials; POST …/refresh is the secret, which is fresh.
void Inquiries::answer_account(const io::posix::HttpRequest& request, const io::posix::Respond& respond) const {
  constexpr std::string_view scheme = "Basic ";
  const auto header = request.header("authorization");
  const auto login =
      header.starts_with(scheme) ? component::base64_decoded(header.substr(scheme.size())) : std::nullopt;
  const auto prefix = std::string(api_user) + ":";
  const auto found = login && login->starts_with(prefix) ? asked_.find(login->substr(prefix.size())) : asked_.end();
  if (found == asked_.end()) return respond(refusal(401, "wrong ELASTICIO_API_USERNAME or ELASTICIO_API_KEY"));
  const auto& account = found->second->account;
  const bool is_its = account && (request.path + "/").find("/" + account->name + "/") != std::string::npos;
  if (!is_its) return respond(refusal(account ? 403 : 404, "this is no credential that it is asked with"));
  if (request.path.starts_with(secrets_path)) return respond({200, "application/json", account->secret, {}});
  boost::system::error_code failed;
  const auto body = json::parse(request.body, failed);
  const auto* object = failed ? nullptr : body.if_object();
  const auto* keys = object == nullptr ? nullptr : object->if_contains("keys");
  if (request.method != "PUT" || keys == nullptr || !keys->is_object() || !account->keep) {
    return respond(refusal(400, "what can be done here is to PUT {\"keys\": {…}}"));
  }
  account->keep(keys->get_object(), [respond, name = account->name](const Status& kept) {
    if (kept) return respond({200, "application/json", json::serialize(json::object{{"id", name}}), {}});
    respond(refusal(kept.error().kind == Error::Kind::invalid ? 400 : 503, kept.error().message));
  });
}

void Inquiries::handle(io::posix::HttpRequest request, io::posix::Respond respond) {
  if (request.path.starts_with(secrets_path) || request.path.starts_with("/v1/accounts/")) {
    return answer_account(request, respond);
  }
  const auto token = request.path.substr(std::min<std::size_t>(1, request.path.size()));
  const auto found = asked_.find(token);
  if (found == asked_.end() || request.method != "POST") {
    return respond({404, "application/json", R"({"error":"there is nothing here"})", {}});
  }
  auto answer = read_answer(found->second->kind, request.body);
  respond({200, "application/json", "{}", {}});
  finish(token, std::move(answer));
}

void Inquiries::finish(const std::string& token, Result<json::object> result) {
  const auto found = asked_.find(token);
  if (found == asked_.end()) return;
  const std::shared_ptr<Asked> asked = std::move(found->second);
  asked_.erase(found);
  // Posted: the command that told us, or the answer to its request, is under way still.
  loop_.post([asked, result = std::move(result)] { asked->answered(result); });
}

}  // namespace millrace::installed
