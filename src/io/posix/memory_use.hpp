#pragma once

#include <cstdint>

namespace millrace::io::posix {

/// Bytes of memory of this process.
struct MemoryUse {
  std::uint64_t allocated = 0;  ///< by malloc and new, and not freed: falls at once when memory is given back
  std::uint64_t resident = 0;   ///< of which there are pages in RAM, the program's own among them
};

/// Costs some microseconds.
MemoryUse memory_use();

/// Gives back to the system what is free in the heap, also between what is in use: worth its milliseconds after work
/// that has needed much for a moment.
void release_free_memory();

/// What the machine has, or what the process's control group may use of it.
std::uint64_t memory_there_is();

}  // namespace millrace::io::posix
