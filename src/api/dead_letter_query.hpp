#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "api/dead_letters.hpp"
#include "api/operation.hpp"
#include "api/services.hpp"
#include "core/result.hpp"

namespace millrace::api {

/// flow, step, code, text, failed_before, failed_after from the parameters of a query. Error::invalid.
Result<DeadLetters::Query> dead_letter_query(const std::map<std::string, std::string>& parameters);
/// The same from a body, whose further members are left alone.
Result<DeadLetters::Query> dead_letter_query(const boost::json::object& body);

/// `POST /v1/dead-letters/retry` and `/drop`: changes all that a query means, batch by batch, and answers when all of
/// it is stored. With "dry_run": true it only says how many there are.
void change_dead_letters(const Services& services, const Call& call, DeadLetters::Change change);

}  // namespace millrace::api
