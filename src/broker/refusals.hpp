#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/broker.hpp"

namespace millrace::broker {

/// 404: there is no such queue or exchange.
Refusal not_found(std::string_view what, std::string_view name);
/// 406: it was declared with another `argument`.
Refusal inequivalent(std::string_view argument, std::string_view what, std::string_view name);
/// The name of an x-… argument (or alternate-exchange) in which two declarations differ. Integers of different widths
/// are equal if their values are: clients differ in the width they send. Other names are the client's own business.
std::optional<std::string> differing_argument(const amqp::FieldTable& have, const amqp::FieldTable& wanted);

}  // namespace millrace::broker
