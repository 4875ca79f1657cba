#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace millrace::orchestrator::docker {

/// Takes a container's output out of the frames in which the engine streams it (Engine API, "Stream format" of
/// ContainerAttach): 8 bytes of head (the stream, three zeros, the length as 32 bits, big endian), then the bytes.
class LogFrames {
 public:
  explicit LogFrames(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {}

  /// Pieces may end anywhere.
  void take(std::string_view piece);

 private:
  std::function<void(std::string_view)> sink_;
  std::string head_;        ///< as far as it has come
  std::uint32_t left_ = 0;  ///< bytes of this frame that are still to come
};

}  // namespace millrace::orchestrator::docker
