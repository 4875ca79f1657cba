#include "gateway/replies.hpp"

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "gateway/media_type.hpp"

namespace millrace::gateway {
namespace json_text = component::json_text;
namespace {

bool is_token(std::string_view name) {
  return !name.empty() && name.find_first_not_of(
                              "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
}

bool is_field_value(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

template <class T>
void must(const broker::Answer<T>& answer) {
  if (!answer) log::error("reply_queue_refused", {{"reason", answer.error().text}});
}

/// The body {"status", "headers", "body"} of a reply's envelope as an HTTP response.
io::posix::HttpResponse make_response(std::string_view envelope) {
  io::posix::HttpResponse response{200, "application/json", {}, {}};
  const auto reply = json_text::member(envelope, "body");
  if (const auto status = json_text::member(reply, "status"); !status.empty()) {
    const int code = std::atoi(std::string(status).c_str());
    response.status = code >= 200 && code <= 599 ? code : 502;
  }
  const auto body = json_text::member(reply, "body");
  const auto text = json_text::unquoted(body);
  if (text) response.content_type = "text/plain; charset=utf-8";
  (void)json_text::members(json_text::member(reply, "headers"), [&](std::string_view name, std::string_view value) {
    const auto content = json_text::as_text(value);
    if (!is_token(name) || !is_field_value(content)) return;
    const auto known = lower(name);
    if (known == "content-length" || known == "transfer-encoding" || known == "connection") return;
    if (known == "content-type") {
      response.content_type = content;
    } else {
      response.headers.emplace_back(name, content);
    }
  });
  if (text && !is_json(media_type(response.content_type))) {
    response.body = *text;
  } else if (body != "null") {
    response.body = body;
  }
  return response;
}

}  // namespace

Replies::Replies(io::Loop& loop, broker::Queues& broker, broker::SessionId session)
    : loop_(loop), broker_(broker), session_(session), key_("reply:" + random_token(8)) {}

void Replies::listen(const std::string& exchange) {
  if (!declared_) declare_queue();
  must(broker_.bind_queue(session_, key_, exchange, key_, {}, {}));
}

void Replies::declare_queue() {
  declared_ = true;
  broker::QueueSpec spec;
  spec.name = key_;
  spec.durable = false;
  spec.exclusive = true;
  must(broker_.declare_queue(session_, spec, {}));
  broker::ConsumerSpec consumer;
  consumer.no_ack = true;
  broker::ConsumerId id;
  must(broker_.consume(session_, key_, consumer, *this, id));
}

void Replies::wait(const std::string& execution, std::chrono::milliseconds timeout, io::posix::Respond respond) {
  auto& waiting = waiting_[execution];
  waiting.callers.push_back(std::move(respond));
  waiting.timeout = loop_.after(timeout, [this, execution] {
    const auto found = waiting_.find(execution);
    const auto callers = std::move(found->second.callers);
    waiting_.erase(found);
    const std::string body = R"({"title":"No reply in time","status":504,"detail":"the flow goes on","execution":)" +
                             json_text::quoted(execution) + "}";
    for (const auto& answer : callers) answer({504, "application/problem+json", body, {}});
  });
}

bool Replies::join(const std::string& execution, const io::posix::Respond& respond) {
  const auto found = waiting_.find(execution);
  if (found == waiting_.end()) return false;
  found->second.callers.push_back(respond);
  return true;
}

void Replies::deliver(broker::Delivery delivery) {
  const auto properties = amqp::decode_properties(delivery.message->properties);
  if (!properties || !properties->headers) return;
  const auto found = waiting_.find(std::string(properties->headers->text("threadId")));
  if (found == waiting_.end()) return;
  auto waiting = std::move(found->second);
  waiting_.erase(found);
  loop_.cancel(waiting.timeout);
  const auto response = make_response(delivery.message->body);
  for (const auto& answer : waiting.callers) answer(response);
}

}  // namespace millrace::gateway
