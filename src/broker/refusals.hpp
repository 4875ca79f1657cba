#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "broker/broker.hpp"

namespace millrace::broker {

/// 404: there is no such queue or exchange.
Refusal not_found(std::string_view what, std::string_view name);
/// 405: the queue is another connection's, or it was not declared exclusive as it is now.
Refusal locked(std::string_view queue);

/// Compares a declaration with the first one of that name, as AMQP 0-9-1 §1.7.2.1 demands; `refusal` (406) names the
/// first difference in RabbitMQ's words, which clients' programs look for.
class Comparison {
 public:
  Comparison(std::string_view what, std::string_view name) : what_(what), name_(name) {}

  void flag(std::string_view field, bool current, bool received);
  void text(std::string_view field, std::string_view current, std::string_view received);
  /// Integers of different widths are equal if their values are: clients differ in the width they send. Arguments other
  /// than `known` are the client's own business.
  void arguments(const amqp::FieldTable& current, const amqp::FieldTable& received,
                 std::initializer_list<std::string_view> known);

  std::optional<Refusal> refusal;

 private:
  void differs(std::string_view field, std::string_view current, std::string_view received);

  std::string_view what_;
  std::string_view name_;
};

}  // namespace millrace::broker
