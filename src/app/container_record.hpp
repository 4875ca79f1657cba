#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace millrace::app {

/// What a platform must know again after a restart so that it finds its containers, and they find it: the file
/// DATA/containers.json.
struct ContainerRecord {
  std::string platform;  ///< its id: twelve hexadecimal digits
  std::uint16_t amqp_port = 0;
  std::uint16_t api_port = 0;

  bool is_new = true;  ///< not read from a file: this platform has made no containers yet

  /// A new record if there is none; Error::damaged if it cannot be read.
  static Result<ContainerRecord> load(const std::string& path);
  /// Replaces the file as a whole.
  Status save(const std::string& path) const;
};

}  // namespace millrace::app
