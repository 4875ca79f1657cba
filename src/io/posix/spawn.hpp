#pragma once

#include "core/result.hpp"
#include "io/posix/process.hpp"

namespace millrace::io::posix {

/// A child that has begun, as file descriptors; the receiver owns them and reaps the child.
struct Spawned {
  int pid = 0;
  int pidfd = -1;   ///< readable when the child has ended
  int output = -1;  ///< read end of stdout and stderr, non-blocking
  int input = -1;   ///< write end of stdin, non-blocking; only of a process that is talked with
  int answer = -1;  ///< read end of stdout alone, non-blocking; likewise
};

/// Starts a program with the properties that Process promises. vfork: the address space is not copied, so this takes
/// the same short time however big the caller is.
Result<Spawned> spawn(const ProcessSpec& spec);

}  // namespace millrace::io::posix
