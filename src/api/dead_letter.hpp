#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "broker/message.hpp"
#include "store/dead_letters.hpp"

namespace millrace::api {

/// A message that could not be processed, with what is known about why (ARCHITECTURE.md, messages on the wire).
struct DeadLetter : store::DeadLetterFacts {
  std::string envelope;      ///< may be left out where many are asked for
  std::uint64_t number = 0;  ///< its place among those of its flow

  boost::json::object to_json(bool with_message) const;
  bool is_meant_by(const store::DeadLetterQuery& query) const;
  /// What an operator reads when its step is not there any more.
  std::string no_step() const;
};

/// As it lies on its flow's queue of dead letters; `number` is not known here.
DeadLetter read_dead_letter(std::string_view flow, const broker::Message& message);

/// The message as on its first try, to the step at which it failed: without the marks of its failure, with one retry
/// more.
std::shared_ptr<broker::Message> fresh_message(const broker::Message& dead, const DeadLetter& letter,
                                               std::int64_t version);

}  // namespace millrace::api
