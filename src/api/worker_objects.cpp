#include "api/worker_objects.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "core/log.hpp"
#include "core/percent_decoding.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace json = boost::json;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;
using objects::Head;
using objects::Labels;

namespace {

constexpr std::string_view base = "/objects";
constexpr std::size_t queries_max = 5;  // as the client has it
constexpr std::size_t piece_size = 256u << 10;

/// What follows "/objects/"; empty for all of them.
std::string id_of(const HttpRequest& request) {
  const auto rest = std::string_view(request.path).substr(base.size());
  return std::string(rest.substr(rest.empty() ? 0 : 1));
}

bool has_body(const HttpRequest& request) {
  return request.method == "POST" || request.method == "PUT";
}

Labels labels_of(const HttpRequest& request, std::string_view prefix) {
  Labels labels;
  for (const auto& [name, value] : request.headers) {
    if (name.starts_with(prefix)) labels.emplace_back(name.substr(prefix.size()), value);
  }
  return labels;
}

/// "query[name]=value&…"
Labels labels_of(std::string_view query) {
  constexpr std::string_view open = "query[";
  Labels labels;
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    const auto equals = part.find('=');
    const auto name = percent_decoded(part.substr(0, equals));
    std::string value(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    std::ranges::replace(value, '+', ' ');
    if (!name.starts_with(open) || !name.ends_with(']')) continue;
    auto label = name.substr(open.size(), name.size() - open.size() - 1);
    for (char& letter : label) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    labels.emplace_back(std::move(label), percent_decoded(value));
  }
  return labels;
}

/// Zero: it does not say.
Result<std::chrono::seconds> ttl_of(const HttpRequest& request) {
  const auto text = request.header("x-eio-ttl");
  std::int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t ten_years = 315'360'000;
  if (text.empty()) return std::chrono::seconds{};
  if (failed != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > ten_years) {
    return Error{Error::Kind::invalid, "x-eio-ttl must be a number of seconds, at most ten years"};
  }
  return std::chrono::seconds(seconds);
}

/// "max=BYTES": a larger object is not wanted. Of ours, not of elastic.io's client.
std::uint64_t size_max_of(const HttpRequest& request) {
  constexpr std::string_view parameter = "max=";
  auto size_max = WorkerObjects::object_size_max;
  if (!request.query.starts_with(parameter)) return size_max;
  const auto text = std::string_view(request.query).substr(parameter.size());
  std::from_chars(text.data(), text.data() + text.size(), size_max);
  return size_max;
}

json::object facts_of(const objects::Found& found) {
  json::object facts{{"objectId", found.id},
                     {"contentType", found.head.content_type},
                     {"contentLength", found.size},
                     {"createdAt", found.head.created_at}};
  for (const auto& [part, labels] : {std::pair{"queriableFields", &found.head.query}, {"metadata", &found.head.meta}}) {
    json::object object;
    for (const auto& [name, value] : *labels) object[name] = value;
    facts[part] = std::move(object);
  }
  return facts;
}

HttpResponse refusal(const Error& error, const std::string& flow) {
  if (error.kind == Error::Kind::not_found || error.kind == Error::Kind::invalid) return problem(error);
  log::warning("object refused", {{"flow", flow}, {"reason", error.message}});
  if (error.kind == Error::Kind::no_space) return problem(507, "Insufficient storage", error.message);
  return problem(503, "Service unavailable", error.message);
}

}  // namespace

/// One upload. What it does to the disk it does on the offload, where it also ends.
class WorkerObjects::Sink final : public io::posix::HttpBodySink {
 public:
  Sink(const Parts& parts, std::string flow, const HttpRequest& head)
      : parts_(parts), state_(std::make_shared<State>()) {
    state_->flow = std::move(flow);
    state_->id = id_of(head);
    state_->head = {std::string(head.header("content-type")), parts.loop.wall_now().time_since_epoch().count(),
                    labels_of(head, "x-query-"), labels_of(head, "x-meta-")};
    const auto keep = ttl_of(head);
    if (!keep) state_->fault = keep.error();
    if (keep) state_->keep = *keep;
    if (state_->head.query.size() > queries_max) {
      state_->fault = Error{Error::Kind::invalid, fmt::format("an object has at most {} x-query headers", queries_max)};
    }
    if (state_->flow.empty()) state_->fault = Error{Error::Kind::permission, "no token"};
  }
  ~Sink() override {
    parts_.offload.run([state = state_] { state->upload.reset(); }, [] {});
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void take(std::string piece, std::function<void(bool more)> taken) override {
    auto& all = parts_.objects;
    parts_.offload.run([state = state_, &all, piece = std::move(piece)] { state->write(all, piece); },
                       [state = state_, taken = std::move(taken)] { taken(!state->fault); });
  }

  /// The object is there: its id.
  void finish(const std::function<void(Result<std::string>)>& done) {
    auto& all = parts_.objects;
    parts_.offload.run(
        [state = state_, &all] {
          state->write(all, {});
          if (state->fault) return;
          auto id = state->upload->finish();
          if (id) state->id = std::move(*id);
          if (!id) state->fault = id.error();
        },
        [state = state_, done] { done(state->fault ? Result<std::string>(*state->fault) : state->id); });
  }

 private:
  struct State {
    std::string flow;
    std::string id;  ///< of what is replaced, at first; empty: a new one
    Head head;
    std::chrono::seconds keep{};
    std::unique_ptr<objects::Upload> upload;
    std::optional<Error> fault;

    void write(objects::Objects& all, std::string_view piece) {
      if (fault) return;
      if (!upload) {
        auto begun = id.empty() ? all.create(flow, head, keep) : all.replace(flow, id, head);
        if (!begun) fault = begun.error();
        if (begun) upload = std::move(*begun);
      }
      if (fault || piece.empty()) return;
      if (auto written = upload->write(piece); !written) fault = written.error();
    }
  };

  const Parts& parts_;
  std::shared_ptr<State> state_;
};

bool WorkerObjects::is_meant(const HttpRequest& head) {
  return head.path == base || head.path.starts_with("/objects/");
}

std::uint64_t WorkerObjects::body_max(const HttpRequest& head) {
  return has_body(head) ? object_size_max : 0;
}

std::shared_ptr<io::posix::HttpBodySink> WorkerObjects::sink(const HttpRequest& head) const {
  return has_body(head) ? std::make_shared<Sink>(parts_, flow_of(head), head) : nullptr;
}

/// Whose token the request has; empty: none that is good.
std::string WorkerObjects::flow_of(const HttpRequest& head) const {
  constexpr std::string_view scheme = "Bearer ";
  const auto header = head.header("authorization");
  if (!header.starts_with(scheme)) return {};
  const auto now_seconds = now() / 1'000;
  return parts_.keys.flow_of(header.substr(scheme.size()), parts_.flows(), now_seconds).value_or("");
}

void WorkerObjects::handle(HttpRequest request, const Respond& respond) const {
  const auto flow = flow_of(request);
  if (flow.empty()) {
    auto refused = problem(401, "Unauthorized", "the object storage wants ELASTICIO_OBJECT_STORAGE_TOKEN of a flow");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"millrace\"");
    return respond(std::move(refused));
  }
  answer(request, flow, respond);
}

void WorkerObjects::answer(const HttpRequest& request, const std::string& flow, const Respond& respond) const {
  const auto id = id_of(request);
  const auto& method = request.method;
  if (has_body(request) && (method == "POST") == id.empty()) {
    const auto sink = std::static_pointer_cast<Sink>(request.sink);
    return sink->finish([respond, flow, status = id.empty() ? 201 : 200](const Result<std::string>& done) {
      if (!done) return respond(refusal(done.error(), flow));
      respond({status, "application/json", json::serialize(json::object{{"objectId", *done}})});
    });
  }
  if (id.empty() && (method == "GET" || method == "DELETE")) return select(request, flow, respond);
  if (method == "GET") return get(flow, id, size_max_of(request), respond);
  if (method != "DELETE") return respond(problem(405, "Method not allowed", "GET, PUT and DELETE are known"));
  auto done = std::make_shared<Status>(Done{});
  parts_.offload.run([&all = parts_.objects, flow, id, done] { *done = all.remove(flow, id); },
                     [done, respond, flow] {
                       respond(*done ? HttpResponse{204, {}, {}} : refusal(done->error(), flow));
                     });
}

void WorkerObjects::get(const std::string& flow, const std::string& id, std::uint64_t size_max,
                        const Respond& respond) const {
  auto found = std::make_shared<Result<objects::Found>>(Error{Error::Kind::io, ""});
  auto& offload = parts_.offload;
  const auto send = [found, respond, flow, size_max, &offload] {
    if (!*found) return respond(refusal(found->error(), flow));
    auto& object = **found;
    if (object.size > size_max) return respond(problem(413, "Content too large", "it is larger than was asked for"));
    HttpResponse response{200, object.head.content_type, {}, {{"Cache-Control", "no-store"}}};
    for (const auto& [name, value] : object.head.query) response.headers.emplace_back("x-query-" + name, value);
    for (const auto& [name, value] : object.head.meta) response.headers.emplace_back("x-meta-" + name, value);
    response.source = io::posix::HttpBodySource{object.size, [found, &offload](auto got) {
                                                  auto piece = std::make_shared<Result<std::string>>(std::string());
                                                  offload.run(
                                                      [found, piece] {
                                                        *piece = (*found)->file->read_at((*found)->offset, piece_size);
                                                        if (*piece) (*found)->offset += (*piece)->size();
                                                      },
                                                      [piece, got] { got(std::move(*piece)); });
                                                }};
    respond(std::move(response));
  };
  offload.run([&all = parts_.objects, flow, id, found, at = now()] { *found = all.find(flow, id, at); }, send);
}

void WorkerObjects::select(const HttpRequest& request, const std::string& flow, const Respond& respond) const {
  const auto labels = labels_of(request.query);
  if (labels.empty() || labels.size() > queries_max) {
    return respond(problem(400, "Bad request", "objects are found by one to five query[name]=value"));
  }
  const bool removes = request.method == "DELETE";
  auto found = std::make_shared<Result<std::vector<objects::Found>>>(std::vector<objects::Found>());
  parts_.offload.run(
      [&all = parts_.objects, flow, labels, found, removes, at = now()] {
        *found = all.select(flow, labels, at);
        if (!removes || !*found) return;
        for (const auto& object : **found) (void)all.remove(flow, object.id);  // one that is gone is what was asked for
      },
      [found, respond, flow, removes] {
        if (!*found) return respond(refusal(found->error(), flow));
        if (removes) return respond({204, {}, {}});
        json::array all;
        for (const auto& object : **found) all.push_back(facts_of(object));
        respond({200, "application/json", json::serialize(all)});
      });
}

}  // namespace millrace::api
