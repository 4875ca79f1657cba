#include "storage/message_reader.hpp"

#include <algorithm>
#include <iterator>

namespace millrace::storage {

std::string_view MessageReader::Chunk::from(Position at) const {
  if (at.segment != segment || at.offset < offset || at.offset >= offset + bytes.size()) return {};
  return std::string_view(bytes).substr(at.offset - offset);
}

Result<MessageItem> MessageReader::decode(std::string_view bytes) {
  auto item = decode_item(bytes);
  if (!item) return item.error();
  auto* message = std::get_if<MessageItem>(&*item);
  if (message == nullptr) return Error{Error::Kind::damaged, "no message stands there"};
  return std::move(*message);
}

Result<MessageItem> MessageReader::read(Position at) {
  for (auto chunk = chunks_.begin(); chunk != chunks_.end(); ++chunk) {
    const auto bytes = chunk->from(at);
    if (bytes.size() < item_head_size || item_size(bytes) > bytes.size()) continue;
    chunks_.splice(chunks_.begin(), chunks_, chunk);
    return decode(bytes);
  }
  auto* segment = segments_.find(at.segment);
  const auto file = segments_.file(at.segment);
  if (!file) return file.error();
  if (at.offset >= segment->durable) return Error{Error::Kind::damaged, "nothing stands there"};
  const auto rest = segment->durable - at.offset;
  auto bytes = (*file)->read_at(at.offset, std::min<std::uint64_t>(size_to_read(at), rest));
  if (!bytes) bytes = (*file)->read_at(at.offset, std::min<std::uint64_t>(item_head_size, rest));  // a bad sector ahead
  if (!bytes) return Error{Error::Kind::damaged, bytes.error().message};
  if (bytes->size() >= item_head_size && item_size(*bytes) > bytes->size() && item_size(*bytes) <= rest) {
    bytes = (*file)->read_at(at.offset, item_size(*bytes));
    if (!bytes) return Error{Error::Kind::damaged, bytes.error().message};
  }
  return decode(keep({at.segment, at.offset, std::move(*bytes)}));
}

std::size_t MessageReader::size_to_read(Position at) const {
  for (const auto& chunk : chunks_) {
    const bool goes_on =
        chunk.segment == at.segment && at.offset >= chunk.offset && at.offset - chunk.offset <= 2 * chunk.bytes.size();
    if (goes_on) return std::clamp(2 * chunk.bytes.size(), chunk_min, chunk_max);
  }
  return chunk_min;
}

/// Its bytes where they are kept.
std::string_view MessageReader::keep(Chunk chunk) {
  if (chunks_.size() >= chunks_max) chunks_.pop_back();
  const auto middle = std::next(chunks_.begin(), static_cast<std::ptrdiff_t>(chunks_.size() / 2));
  return chunks_.insert(middle, std::move(chunk))->bytes;
}

void MessageReader::forget(std::uint32_t segment) {
  chunks_.remove_if([&](const Chunk& chunk) { return chunk.segment == segment; });
}

}  // namespace millrace::storage
