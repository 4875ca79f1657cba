#include "hosting/sailor/handled.hpp"

#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "component/message.hpp"
#include "hosting/sailor/references.hpp"
#include "hosting/sailor/reply.hpp"

namespace millrace::hosting::sailor {
namespace json = boost::json;
namespace json_text = component::json_text;
using component::Emission;
using component::Failure;
using component::Message;
using component::Outcome;

namespace {

constexpr std::string_view error_response = "x-eio-error-response";
const amqp::FieldTable no_headers;

const amqp::FieldTable& headers_of(const Published& published) {
  return published.properties.headers ? *published.properties.headers : no_headers;
}

Result<std::string> decrypted_text(std::string_view base64, const Cipher& cipher) {
  const auto bytes = component::base64_decoded(base64);
  if (!bytes) return Error{Error::Kind::invalid, "is no base64"};
  return cipher.decrypted(*bytes);
}

json::object object_of(std::string_view text) {
  boost::system::error_code failed;
  auto value = json::parse(text, failed);
  return failed || !value.is_object() ? json::object() : value.get_object();
}

std::string text_in(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

/// The storage's client has tried some times and got no answer but 5xx (maester-client, lib/errors.js); where it stores
/// a body, the library says it in its own words (lib/sailor.js).
bool is_of_the_storage(std::string_view name, std::string_view message) {
  return name == "ServerTransportError" || message == "Lightweight message/passthrough body upload error";
}

}  // namespace

Result<std::string> body_of(const Published& published, const Cipher& cipher) {
  const auto& headers = headers_of(published);
  const bool raw = headers.integer("protocolVersion") >= 2 || headers.text("protocolVersion") >= "2";
  return raw ? cipher.decrypted(published.body) : decrypted_text(published.body, cipher);
}

std::optional<Reference> Handled::add(const Published& published, const Cipher& cipher, const std::string& reply_to,
                                      std::string& step_snapshot) {
  size_ += published.body.size();
  const auto& key = published.routing_key;
  if (key == keys::error) {
    add_failure(published, cipher);
  } else if (key == keys::snapshot) {
    add_snapshot(published, step_snapshot);
  } else if (key == keys::rebound) {
    rebound_ = std::string(headers_of(published).text("reboundReason"));
  } else {
    return add_message(published, cipher, reply_to);
  }
  return std::nullopt;
}

std::optional<Reference> Handled::add_message(const Published& published, const Cipher& cipher,
                                              const std::string& reply_to) {
  const auto& key = published.routing_key;
  const bool is_error = headers_of(published).find(error_response) != nullptr;
  const auto text = is_error ? decrypted_text(published.body, cipher) : body_of(published, cipher);
  if (!text) {
    failure_ = Failure{"component.unreadable", "the component emitted a message that " + text.error().message};
  } else if (is_error) {
    if (key == reply_to) emit({.body = reply_with_error(*text), .routing_key = reply_to});
  } else {
    return add_data(*text, published, reply_to);
  }
  return std::nullopt;
}

std::optional<Reference> Handled::add_data(std::string_view text, const Published& published,
                                           const std::string& reply_to) {
  const auto message = Message::parse(std::string(text));
  if (!message) {
    failure_ = Failure{"component.unreadable", "the component emitted no message: " + message.error().message};
    return std::nullopt;
  }
  const auto& key = published.routing_key;
  if (key == keys::data) {
    const auto body = message->body();
    emit({.body = std::string(body.empty() ? "{}" : body),
          .headers = std::string(message->part("headers")),
          .attachments = std::string(message->part("attachments"))});
    auto object = reference_of(*message);
    return object.empty() ? std::nullopt : std::optional(Reference{emissions_.size() - 1, std::move(object)});
  }
  if (!reply_to.empty() && key == reply_to) {
    emit({.body = reply_from(*message), .routing_key = reply_to});
    return std::nullopt;
  }
  failure_ = Failure{"component.routing_key",
                     fmt::format("the component emitted a message with routing key \"{}\", which leads nowhere: only "
                                 "the reply_to of a waiting webhook caller can be named",
                                 key)};
  return std::nullopt;
}

void Handled::put(const Reference& reference, std::string body) {
  size_ += body.size();
  put_body(emissions_.at(reference.emission), std::move(body));
}

void Handled::emit(Emission emission) {
  emissions_.push_back(std::move(emission));
}

void Handled::add_failure(const Published& published, const Cipher& cipher) {
  const auto envelope = object_of(published.body);
  const auto text = decrypted_text(text_in(envelope, "error"), cipher);
  const auto error = object_of(text ? std::string_view(*text) : std::string_view("{}"));
  const auto name = text_in(error, "name");
  storage_failed_ = storage_failed_ || is_of_the_storage(name, text_in(error, "message"));
  auto sentence = text_in(error, "message");
  if (sentence.empty()) sentence = "the component gave no reason";
  if (!name.empty() && name != "Error") sentence = name + ": " + sentence;
  if (failure_) sentence = failure_->message + "; " + sentence;  // it emitted several
  failure_ = Failure{"component.error", std::move(sentence),
                     json::serialize(json::object{{"name", name}, {"stack", text_in(error, "stack")}})};
}

void Handled::add_snapshot(const Published& published, std::string& step_snapshot) {
  auto given = object_of(published.body);
  if (headers_of(published).text("snapshotEvent") == "updateSnapshot") {
    auto merged = object_of(step_snapshot);
    for (auto& [name, value] : given) merged[name] = std::move(value);
    given = std::move(merged);
  }
  step_snapshot = json::serialize(given);
  snapshot_ = step_snapshot;
}

Outcome Handled::page() {
  auto outcome = Outcome::done(std::exchange(emissions_, {}));
  outcome.snapshot = std::exchange(snapshot_, std::nullopt);
  outcome.more = true;
  size_ = 0;
  return outcome;
}

Outcome Handled::outcome(bool acknowledged) {
  Outcome outcome;
  if (failure_ && storage_failed_) {
    outcome = Outcome::later({"objects.unavailable", failure_->message + " (the platform's log says why)"});
  } else if (!acknowledged || failure_) {
    outcome = Outcome::dead(failure_.value_or(Failure{
        "component.rejected", "the component rejected the message without a reason (its own log may have one)"}));
  } else if (rebound_) {
    outcome = Outcome::later({"component.rebound", *rebound_});
  }
  outcome.emissions = std::move(emissions_);
  outcome.snapshot = std::move(snapshot_);
  return outcome;
}

}  // namespace millrace::hosting::sailor
