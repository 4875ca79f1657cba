#include "flow_tests/platform_life.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "api/broker_dead_letters.hpp"
#include "component/origin.hpp"
#include "flow_tests/broker_link.hpp"
#include "flow_tests/json_text_value.hpp"
#include "flow_tests/stand_in_credential.hpp"
#include "gateway/authentication.hpp"
#include "gateway/route.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;
namespace names = flow::names;

namespace {

/// A polling trigger's tick is tried until it works; a test waits for it as often as another message would be tried.
bool is_given_up(const broker::Broker& broker, const flow::WorkerPlan& worker, const std::string& queue) {
  if (queue != worker.rebounds()) return false;
  const auto first = broker.peek(queue, 0, 1);
  if (!first || first->empty()) return false;
  const auto properties = amqp::decode_properties(first->front()->properties);
  if (!properties || !properties->headers || properties->headers->find("failingSince") == nullptr) return false;
  return properties->headers->integer("reboundIteration") >= worker.settings.retry.attempts;
}

json::object document_of(const api::DeadLetter& letter) {
  json::object document{{"step", letter.step},
                        {"id", letter.id},
                        {"code", letter.code},
                        {"message", letter.reason},
                        {"attempts", letter.attempts}};
  if (!letter.details.empty()) document["details"] = value_of(letter.details);
  const auto envelope = value_of(letter.envelope);
  if (!envelope.is_object()) return document;
  for (const auto* part : {"body", "headers"}) {
    if (const auto* value = envelope.get_object().if_contains(part)) document[part] = *value;
  }
  return document;
}

io::posix::HttpRequest made_from(const GivenRequest& given, const gateway::Route& route) {
  io::posix::HttpRequest request;
  request.method = given.method.empty() ? route.methods.front() : given.method;
  request.path = "/" + route.path;
  request.query = given.query;
  request.headers = given.headers;
  request.body = given.body;
  request.peer = "127.0.0.1";
  return request;
}

}  // namespace

PlatformLife::PlatformLife(const TestedFlow& tested, io::sim::SimDisk& disk, Journal& journal, io::WallTime now)
    : tested_(tested), disk_(disk), journal_(journal), loop_(now), commit_points_(loop_) {
  journal.begin_life(loop_);
}

PlatformLife::~PlatformLife() = default;

Status PlatformLife::start() {
  auto broker = broker::Broker::open(loop_, disk_, commit_points_, {});
  if (!broker) return broker.error();
  broker_ = std::move(*broker);
  session_ = broker_->begin_session();
  order_keys_.add(tested_.plan);
  broker_->order_by(
      [this](const std::string& queue, const broker::Message& message) { return order_keys_.key(queue, message); });
  if (auto declared = declare(); !declared) return declared;
  for (const auto& plan : tested_.plan.workers) {
    for (std::uint32_t number = 1; number <= std::max(1u, plan.instances.min); ++number) {
      if (auto started = start_worker(plan, number); !started) return started;
    }
  }
  const auto logins = [this](const std::string& credential) {
    const auto& trigger = tested_.catalogue.find(tested_.flow.trigger().function)->descriptor;
    return std::optional(stand_in_login(credential, trigger));
  };
  gateway_.emplace(loop_, *broker_, gateway::Gateway::Limits{}, logins, [this] { return next_execution_; });
  scheduler_.emplace(loop_, *broker_);
  if (auto route = gateway::make_route(tested_.flow, tested_.plan.version))
    return gateway_->serve(std::move(*route), true);
  return Done{};
}

Status PlatformLife::declare() {
  const auto refused = [](const auto& answer) { return Error{Error::Kind::io, answer.error().text}; };
  const auto& plan = tested_.plan;
  if (const auto done = broker_->declare_exchange(session_, plan.exchange, {}); !done) return refused(done);
  for (const auto& queue : plan.queues) {
    if (const auto done = broker_->declare_queue(session_, queue, {}); !done) return refused(done);
  }
  for (const auto& binding : plan.bindings) {
    const auto done = broker_->bind_queue(session_, binding.queue, plan.exchange.name, binding.key, {}, {});
    if (!done) return refused(done);
  }
  return Done{};
}

Status PlatformLife::start_worker(const flow::WorkerPlan& plan, std::uint32_t number) {
  component::StepRunner::Assignment assignment;
  assignment.environment = flow::environment_of(plan);
  assignment.environment.container_id = fmt::format("{}.{}", plan.step, number);
  assignment.settings = plan.settings;
  const auto saved = broker_->peek(names::snapshot_queue(plan.flow, plan.step), 0, 1);
  if (saved && !saved->empty()) assignment.settings.snapshot = saved->front()->body;
  assignment.seed = 1;
  assignment.settings.health_key.clear();  // nobody holds queues here: each retry comes as the schedule says
  const auto queue = assignment.environment.listen_messages_on;
  auto instance = std::unique_ptr<Instance>(
      new Instance{Door(loop_, journal_, plan.step), StepJournal(journal_, plan.step), {}, {}});
  if (const auto* function = tested_.catalogue.find(plan.component + "." + plan.function);
      function != nullptr && !plan.settings.credential.empty()) {
    instance->credential.emplace(stand_in_login(plan.settings.credential, function->descriptor));
    assignment.credential = &*instance->credential;
  }
  assignment.watch = &instance->journal;
  instance->runner.emplace(loop_, instance->door, std::move(assignment), [this, step = plan.step](const Status& ended) {
    if (!ended) journal_.broken(fmt::format("step {} has ended: {}", step, ended.error().message));
  });
  instances_.push_back(std::move(instance));
  return instances_.back()->runner->start(
      tested_.catalogue, [this, queue](std::uint16_t prefetch, amqp::client::Link::Handlers handlers) {
        return std::make_unique<BrokerLink>(loop_, *broker_, queue, prefetch, open_commits_, std::move(handlers));
      });
}

void PlatformLife::request(const GivenRequest& given, const std::string& execution, io::posix::Respond respond) {
  const auto& route = *gateway_->route(tested_.flow.name);
  auto request = made_from(given, route);
  if (given.authorized) {
    const auto guard = gateway_->guard(route).value_or(route.guard);
    if (guard.auth == gateway::Guard::Auth::hmac && request.header("webhook-id").empty()) {
      request.headers.emplace_back("webhook-id", execution);
    }
    gateway::authorize(guard, request, loop_.wall_now());
  }
  if (request.body.size() > gateway_->body_max(request)) {
    return respond(io::posix::problem(413, "Content too large", "the webhook takes fewer bytes"));
  }
  next_execution_ = execution;
  gateway_->handle(std::move(request), std::move(respond));
}

void PlatformLife::put(const GivenMessage& given, const std::string& id, broker::Broker::Durable stored) {
  component::Origin origin;
  origin.message = id;
  origin.execution = given.execution.empty() ? id : given.execution;
  origin.flow = tested_.flow.name;
  auto message = std::make_shared<broker::Message>();
  message->exchange = tested_.plan.exchange.name;
  message->routing_key = names::input_key(given.step);
  message->properties = amqp::encode_properties(component::properties_of(origin));
  message->body =
      component::Message::make(id, given.body, given.headers, given.attachments, given.passthrough).take_envelope();
  broker::Batch batch;
  batch.publishes.push_back(std::move(message));
  const auto answer = broker_->commit(session_, std::move(batch), std::move(stored));
  if (!answer) journal_.broken("the broker refuses a message: " + answer.error().text);
}

void PlatformLife::start_schedule() {
  if (schedule_users_++ > 0) return;
  scheduler_.emplace(loop_, *broker_);
  scheduler_->serve(tested_.plan);
}

void PlatformLife::stop_schedule() {
  if (--schedule_users_ == 0) scheduler_->stop();
}

bool PlatformLife::is_at_rest() const {
  return open_commits_ == 0 && what_is_left().empty();
}

std::string PlatformLife::what_is_left() const {
  std::string left;
  for (const auto& worker : tested_.plan.workers) {
    std::uint64_t messages = 0;
    for (const auto& name : {worker.queue(), worker.rebounds()}) {
      const auto queue = broker_->queue(name);
      if (queue && !is_given_up(*broker_, worker, name)) messages += queue->ready + queue->unsettled;
    }
    if (messages > 0) left += fmt::format("{}{} at step {}", left.empty() ? "" : ", ", messages, worker.step);
  }
  return left;
}

bool PlatformLife::has_taken(const std::string& execution) const {
  for (const auto& step : tested_.flow.successors(tested_.flow.trigger().id)) {
    const auto waiting = broker_->peek(names::step_queue(tested_.flow.name, tested_.plan.version, step), 0, 1'000'000);
    if (!waiting) continue;
    for (const auto& message : *waiting) {
      const auto properties = amqp::decode_properties(message->properties);
      if (properties && properties->headers && properties->headers->text("threadId") == execution) return true;
    }
  }
  return false;
}

std::uint64_t PlatformLife::handled(const std::string& step) const {
  const auto queue = broker_->queue(names::step_queue(tested_.flow.name, tested_.plan.version, step));
  return queue ? queue->settled_total : 0;
}

std::vector<json::object> PlatformLife::dead_letters() const {
  constexpr auto all = std::numeric_limits<std::size_t>::max();
  std::vector<json::object> letters;
  api::BrokerDeadLetters(*broker_, session_)
      .page({.flow = tested_.flow.name}, {}, all, [&](const Result<api::DeadLetters::Page>& page) {
        for (const auto& letter : page->letters) letters.push_back(document_of(letter));
      });
  return letters;
}

json::value PlatformLife::snapshot(const std::string& step) const {
  const auto saved = broker_->peek(names::snapshot_queue(tested_.flow.name, step), 0, 1);
  return saved && !saved->empty() ? value_of(saved->front()->body) : json::value(nullptr);
}

}  // namespace millrace::flow_tests
