#include "objects/objects.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/id.hpp"

namespace millrace::objects {
namespace {

constexpr std::string_view unfinished = "new-";     // no flow's name has a file of this one without a dot
constexpr std::uint64_t sync_distance = 16u << 20;  // so that the last sync does not block others for long
constexpr std::size_t head_size_max = 64u << 10;

std::string file_name(std::string_view flow, std::string_view id) {
  return fmt::format("{}.{}", flow, id);
}

/// From "FLOW.RANDOM-SECONDS"; 0 if it is no id of ours.
std::int64_t end_of(std::string_view name) {
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos) return 0;
  std::int64_t seconds = 0;
  const auto* last = name.data() + name.size();
  const auto [end, failed] = std::from_chars(name.data() + dash + 1, last, seconds, 16);
  return failed == std::errc() && end == last ? seconds * 1'000 : 0;
}

/// An id comes from outside, and becomes part of a file's name.
bool is_id(std::string_view id) {
  return id.size() <= 64 && end_of(id) > 0 && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

Error no_object(std::string_view id) {
  return {Error::Kind::not_found, fmt::format("there is no object {} of this flow, or its time is over", id)};
}

Result<Found> opened(io::Disk& disk, std::string_view flow, std::string_view id) {
  auto file = disk.open(file_name(flow, id), io::Disk::Open::existing);
  if (!file) return file.error().kind == Error::Kind::not_found ? no_object(id) : file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  const auto begin = (*file)->read_at(0, std::min<std::uint64_t>(*size, head_size_max));
  if (!begin) return begin.error();
  const auto end = begin->find('\n');
  if (end == std::string::npos) return Error{Error::Kind::damaged, fmt::format("the object {} has no head", id)};
  auto head = Head::read(std::string_view(*begin).substr(0, end));
  if (!head) return head.error();
  return Found{std::string(id), std::move(*head), *size - end - 1, std::move(*file), end + 1};
}

}  // namespace

Upload::Upload(Objects& all, std::string name, std::string flow, std::string id)
    : all_(all), name_(std::move(name)), flow_(std::move(flow)), id_(std::move(id)) {}

Upload::~Upload() {
  if (finished_ || !file_) return;
  all_.bytes_ -= written_;
  (void)all_.disk_.remove(name_);  // otherwise the next start removes it
}

Status Upload::write(std::string_view piece) {
  if (auto room = all_.room_for(piece.size()); !room) return room;
  if (auto written = file_->write_at(written_, piece); !written) return written;
  written_ += piece.size();
  all_.bytes_ += piece.size();
  if (written_ - synced_ < sync_distance) return Done{};
  synced_ = written_;
  return file_->sync();
}

Result<std::string> Upload::finish() {
  if (auto synced = file_->sync(); !synced) return synced.error();
  const auto name = file_name(flow_, id_);
  if (const auto before = all_.disk_.open(name, io::Disk::Open::existing)) {
    if (const auto size = (*before)->size()) all_.bytes_ -= *size;
  }
  if (auto renamed = all_.disk_.rename(name_, name); !renamed) return renamed.error();
  finished_ = true;
  if (auto synced = all_.disk_.sync_folder(); !synced) return synced.error();
  return id_;
}

Result<std::unique_ptr<Objects>> Objects::open(io::Disk& disk, Limits limits) {
  std::unique_ptr<Objects> objects(new Objects(disk, limits));
  const auto names = disk.list();
  if (!names) return names.error();
  for (const auto& name : *names) {
    if (name.starts_with(unfinished) && name.find('.') == std::string::npos) {
      if (auto removed = disk.remove(name); !removed) return removed.error();
      continue;
    }
    const auto file = disk.open(name, io::Disk::Open::existing);
    const auto size = file ? (*file)->size() : Result<std::uint64_t>(file.error());
    if (!size) return size.error();
    objects->bytes_ += *size;
  }
  return objects;
}

Result<std::unique_ptr<Upload>> Objects::create(const std::string& flow, const Head& head, std::chrono::seconds keep) {
  if (keep.count() == 0) keep = std::chrono::duration_cast<std::chrono::seconds>(limits_.keep);
  const auto end = head.created_at / 1'000 + keep.count();
  return begin(flow, fmt::format("{}-{:x}", random_token(16), end), head);
}

Result<std::unique_ptr<Upload>> Objects::replace(const std::string& flow, const std::string& id, const Head& head) {
  if (auto before = find(flow, id, head.created_at); !before) return before.error();
  return begin(flow, id, head);
}

Result<std::unique_ptr<Upload>> Objects::begin(const std::string& flow, std::string id, const Head& head) {
  std::unique_ptr<Upload> upload(new Upload(*this, fmt::format("{}{}", unfinished, ++uploads_), flow, std::move(id)));
  auto file = disk_.open(upload->name_, io::Disk::Open::create_new);
  if (!file) return file.error();
  upload->file_ = std::move(*file);
  if (auto written = upload->write(head.line()); !written) return written.error();
  return upload;
}

Result<Found> Objects::find(const std::string& flow, const std::string& id, std::int64_t now) const {
  if (!is_id(id) || end_of(id) <= now) return no_object(id);
  return opened(disk_, flow, id);
}

Result<std::vector<Found>> Objects::select(const std::string& flow, const Labels& query, std::int64_t now) const {
  const auto names = disk_.list();
  if (!names) return names.error();
  std::vector<Found> found;
  for (const auto& name : *names) {
    if (!name.starts_with(flow + ".")) continue;
    auto one = find(flow, name.substr(flow.size() + 1), now);
    if (!one) continue;  // over, or gone since
    one->file.reset();
    if (one->head.matches(query)) found.push_back(std::move(*one));
  }
  return found;
}

Status Objects::remove(const std::string& flow, const std::string& id) {
  if (!is_id(id)) return no_object(id);
  auto removed = forget(file_name(flow, id));
  return !removed && removed.error().kind == Error::Kind::not_found ? Status(no_object(id)) : removed;
}

Result<std::size_t> Objects::prune(std::int64_t now) {
  const auto names = disk_.list();
  if (!names) return names.error();
  std::size_t removed = 0;
  for (const auto& name : *names) {
    const auto end = end_of(name);
    if (end == 0 || end > now || name.find('.') == std::string::npos) continue;
    if (auto gone = forget(name); !gone) return gone.error();
    ++removed;
  }
  return removed;
}

Status Objects::forget(const std::string& name) {
  const auto file = disk_.open(name, io::Disk::Open::existing);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (auto removed = disk_.remove(name); !removed) return removed;
  bytes_ -= size ? *size : 0;
  return Done{};
}

Status Objects::room_for(std::uint64_t bytes) const {
  if (bytes_ + bytes > limits_.size_max) {
    return Error{Error::Kind::no_space,
                 fmt::format("the object storage holds {} bytes and may hold {} (objects_size; objects_keep says when "
                             "objects are over)",
                             bytes_, limits_.size_max)};
  }
  const auto free = disk_.free_space();
  if (!free || *free >= limits_.free_space_min + bytes) return Done{};
  return Error{Error::Kind::no_space,
               fmt::format("the disk has {} bytes left, of which the object storage takes none below {}", *free,
                           limits_.free_space_min)};
}

}  // namespace millrace::objects
