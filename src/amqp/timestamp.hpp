#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::amqp {

/// A time as the property `timestamp` has it: whole seconds since the Unix epoch (AMQP 0-9-1 §4.2.5.4).
inline std::uint64_t timestamp_of(std::chrono::sys_time<std::chrono::milliseconds> time) {
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace millrace::amqp
