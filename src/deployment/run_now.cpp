#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/message.hpp"
#include "component/origin.hpp"
#include "core/id.hpp"
#include "core/time/timestamp.hpp"
#include "deployment/deployments.hpp"
#include "flow/beginning_trace.hpp"

namespace millrace::deployment {
namespace {

namespace names = flow::names;
using Kind = component::Descriptor::Kind;

std::string tick_body(io::WallTime now) {
  const auto time = to_timestamp(now);
  return fmt::format(R"({{"scheduled_at":"{}","fired_at":"{}","missed":0}})", time, time);
}

bool looks_already(const broker::Queues& broker, const flow::Plan& plan) {
  const auto queue = broker.queue(names::step_queue(plan.flow, plan.version, plan.trigger.step));
  return queue && queue->ready + queue->unsettled + queue->arriving > 0;
}

broker::MessagePtr make_message(const flow::Plan& plan, const std::string& id, std::string body, bool keyed,
                                io::WallTime now, const std::string& traceparent) {
  component::Origin origin;
  origin.message = origin.execution = id;
  origin.flow = plan.flow;
  origin.step = plan.trigger.step;
  origin.traceparent = traceparent;
  origin.keyed = keyed;
  origin.at = now;
  auto message = std::make_shared<broker::Message>();
  message->exchange = plan.exchange.name;
  message->routing_key = plan.trigger.key;
  message->properties = amqp::encode_properties(component::properties_of(origin));
  message->body = component::Message::make(id, std::move(body), "{}", "{}").take_envelope();
  return message;
}

}  // namespace

void Deployments::run_now(const std::string& name, const std::string& body, const std::string& key,
                          const Started& started) {
  const auto* flow = deployed_.find(name);
  const auto* version = flow == nullptr ? nullptr : flow->current();
  if (version == nullptr || !version->runs() || flow->state != store::FlowState::running) {
    return started(Error{Error::Kind::conflict, fmt::format("the flow {} does not run", name)});
  }
  const auto& plan = version->plan;
  const bool polls = plan.trigger.kind == Kind::polling_trigger;
  if (polls && looks_already(parts_.broker, plan)) {
    return started(Error{Error::Kind::conflict, fmt::format("{} looks at its source already", plan.trigger.step)});
  }
  const auto id = key.empty() ? random_id() : derived_id({name, plan.trigger.step, key});
  const bool webhook = plan.trigger.kind == Kind::webhook_trigger;
  const auto now = parts_.loop.wall_now();
  broker::Batch batch;
  const auto message = make_message(plan, id, webhook ? body : tick_body(now), !key.empty(), now,
                                    polls ? std::string() : flow::new_traceparent(parts_.tracer));
  batch.publishes.push_back(message);
  const auto repeated = std::make_shared<bool>(false);
  const auto durable = [this, alive = alive_, started, id, polls, message, repeated](const Status& stored) {
    if (!stored) return started(stored.error());
    if (*alive && !polls) ++executions_total_;
    if (*alive && !polls && !*repeated) flow::tell_beginning(parts_.tracer, *message, "run-now");
    if (*alive && !polls && !*repeated && hooks_.began) {
      hooks_.began({message->exchange, id, id, {message, &message->body}, "run-now"});
    }
    started(id);
  };
  const auto answer = parts_.broker.commit(session_, std::move(batch), durable);
  if (answer) *repeated = !answer->repeated.empty();
  if (!answer) started(Error{Error::Kind::unavailable, answer.error().text});
}

}  // namespace millrace::deployment
