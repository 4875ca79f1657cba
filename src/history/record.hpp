#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "history/redaction.hpp"

namespace millrace::history {

/// A body over this is recorded as {"omitted": size}.
inline constexpr std::size_t text_size_max = 1u << 20;

/// One fact: a trigger has begun an execution, or a step has handled a message and what came of it has taken effect.
/// The texts but for the ids are views: of what is being recorded, or of the bytes that were read.
struct Record {
  enum class Kind : std::uint8_t {
    began,     ///< `outputs` holds the message that began the execution
    done,      ///< the step handled `message`; `outputs` went on
    filtered,  ///< it ended here on purpose
    rebound,   ///< it could not be handled now and comes again at `retry_at`
    failed,    ///< it became a dead letter
    emitted,   ///< it has put out `outputs`, and is not done yet
  };

  Kind kind = Kind::done;
  bool whole = true;       ///< all of its execution is recorded, not only the errors
  bool retried = false;    ///< the message came back from the dead letters
  bool redacted = false;   ///< some value was left out; said by encode
  std::int64_t at = 0;     ///< ms since the Unix epoch: when the step took it in hand
  std::uint64_t took = 0;  ///< µs until the action had done with it
  std::uint32_t attempt = 1;
  std::uint32_t spawned = 0;  ///< messages that lay on the queues of the next steps because of it
  std::string execution = {};
  std::string message = {};
  std::vector<std::string_view> outputs = {};  ///< envelopes
  std::string_view input = {};     ///< the envelope as it came; with errors, and where no other record has it
  std::string_view prepared = {};  ///< the body that `input:` made of it
  std::string_view code = {};      ///< of the failure
  std::string_view error = {};
  std::string_view details = {};  ///< JSON text
  std::int64_t retry_at = 0;      ///< ms since the Unix epoch
  std::string_view via = {};      ///< of `began`: webhook, timer, poll, run-now, replay
  std::string_view cause = {};    ///< of a replay: "replay id/execution it repeats"
};

/// Appends the record, framed by its size. Nothing that `redaction` means is in what was appended.
void encode(const Record& record, const Redaction& redaction, std::string& to);

/// Takes the first framed record off `bytes`; the views point into it. nullopt, and nothing is taken, if there is none
/// that is whole and well-formed.
std::optional<Record> take_record(std::string_view& bytes);

/// Passes over the first framed record; false if there is none that is whole.
bool skip_record(std::string_view& bytes);
/// How many framed records stand one behind the other, up to one that is not whole.
std::uint64_t count_records(std::string_view bytes);

/// The key of an execution in indexes.
std::uint64_t key_of(std::string_view execution);

}  // namespace millrace::history
