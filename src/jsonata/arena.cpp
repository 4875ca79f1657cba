#include "jsonata/arena.hpp"

#include <cstdlib>
#include <cstring>

#include "jsonata/failure.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::size_t chunk_size_max = 16u << 20;

struct KeptChunk {
  void* memory = nullptr;
  ~KeptChunk() { std::free(memory); }
};
thread_local KeptChunk kept_chunk;

}  // namespace

Arena::Arena(std::size_t memory_max, std::size_t first_chunk) : memory_max_(memory_max), first_chunk_(first_chunk) {}

Arena::~Arena() {
  while (chunks_ != nullptr) {
    Chunk* next = chunks_->next;
    if (chunks_->size == usual_first_chunk && kept_chunk.memory == nullptr) {
      kept_chunk.memory = chunks_;
    } else {
      std::free(chunks_);
    }
    chunks_ = next;
  }
}

void* Arena::allocate_slow(std::size_t bytes) {
  std::size_t size = first_chunk_;
  if (chunks_ != nullptr) size = reserved_ < chunk_size_max ? reserved_ : chunk_size_max;
  if (size > memory_max_ && memory_max_ >= reserved_) size = memory_max_ - reserved_;
  if (size < bytes + sizeof(Chunk)) size = bytes + sizeof(Chunk);
  if (bytes > memory_max_ || reserved_ + size > memory_max_) {
    if (bytes > memory_max_ || reserved_ + bytes + sizeof(Chunk) > memory_max_) throw Failure{.code = "U1002"};
    size = bytes + sizeof(Chunk);
  }
  void* memory = nullptr;
  if (size == usual_first_chunk && kept_chunk.memory != nullptr) {
    memory = std::exchange(kept_chunk.memory, nullptr);
  } else {
    memory = std::malloc(size);
    if (memory == nullptr) throw Failure{.code = "U1002"};
  }
  chunks_ = new (memory) Chunk{chunks_, size};
  reserved_ += size;
  char* start = static_cast<char*>(memory) + sizeof(Chunk);
  cursor_ = start + bytes;
  end_ = static_cast<char*>(memory) + size;
  return start;
}

void Arena::shrink_last(void* start, std::size_t allocated, std::size_t used) {
  char* from = static_cast<char*>(start);
  if (from + ((allocated + 7) & ~std::size_t{7}) == cursor_) cursor_ = from + ((used + 7) & ~std::size_t{7});
}

std::string_view Arena::copy(std::string_view text) {
  char* to = static_cast<char*>(allocate(text.size()));
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

}  // namespace millrace::jsonata
