#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace millrace::jsonata {

/// Memory of one evaluation (or one compiled expression), freed at once. Destructors of what lives in it never run, so
/// only trivially destructible things may. Asking for more than `memory_max` throws the Failure U1002.
/// One thread at a time. The first chunk is kept by the thread for its next arena.
class Arena {
 public:
  explicit Arena(std::size_t memory_max, std::size_t first_chunk = usual_first_chunk);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialized bytes, aligned for doubles and pointers.
  void* allocate(std::size_t bytes) {
    bytes = (bytes + 7) & ~std::size_t{7};
    if (static_cast<std::size_t>(end_ - cursor_) < bytes) return allocate_slow(bytes);
    char* at = cursor_;
    cursor_ += bytes;
    return at;
  }

  template <class T>
  T* allocate_array(std::size_t count) {
    return static_cast<T*>(allocate(count * sizeof(T)));
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    return new (allocate(sizeof(T))) T{std::forward<Args>(args)...};
  }

  /// Gives back the tail of the newest allocation, of which only `used` bytes are needed.
  void shrink_last(void* start, std::size_t allocated, std::size_t used);

  std::size_t reserved() const { return reserved_; }

  /// The text's bytes, copied into the arena.
  std::string_view copy(std::string_view text);

 private:
  struct Chunk {
    Chunk* next;
    std::size_t size;
  };
  void* allocate_slow(std::size_t bytes);
  static constexpr std::size_t usual_first_chunk = 128u << 10;

  char* cursor_ = nullptr;
  char* end_ = nullptr;
  Chunk* chunks_ = nullptr;
  std::size_t reserved_ = 0;
  std::size_t memory_max_;
  std::size_t first_chunk_;
};

}  // namespace millrace::jsonata
