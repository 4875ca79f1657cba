#include "storage/live_runs.hpp"

#include <algorithm>

#include "storage/format.hpp"
#include "storage/varint.hpp"

namespace millrace::storage {

Result<LiveRuns> LiveRuns::decode(std::string_view bytes) {
  LiveRuns out;
  VarintReader in(bytes);
  std::uint64_t at = 0;
  while (!in.at_end()) {
    const auto first = at + in.next() * alignment;
    const auto last = first + in.next() * alignment;
    const auto mark = in.next();
    if (!in.ok() || first < at || last < first || last > 0xffff'ffff || mark >> 17 != 0) {
      return Error{Error::Kind::damaged, "runs of live entries cannot be read"};
    }
    out.runs_.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last),
                         static_cast<std::uint16_t>(mark >> 1), (mark & 1) != 0});
    at = last;
  }
  return out;
}

std::string LiveRuns::encode() const {
  std::string out;
  std::uint64_t at = 0;
  for (const auto& run : runs_) {
    put_varint(out, (run.first - at) / alignment);
    put_varint(out, (run.last - run.first) / alignment);
    put_varint(out, (std::uint64_t{run.lost_count} << 1) | (run.redelivered ? 1 : 0));
    at = run.last;
  }
  return out;
}

void LiveRuns::append(std::uint32_t offset, std::uint16_t lost_count, bool redelivered, bool joined) {
  if (joined && !runs_.empty()) {
    auto& run = runs_.back();
    if (run.lost_count == lost_count && run.redelivered == redelivered) {
      run.last = offset;
      return;
    }
  }
  runs_.push_back({offset, offset, lost_count, redelivered});
}

std::vector<LiveRuns::Run>::iterator LiveRuns::place(std::uint32_t offset) {
  return std::lower_bound(runs_.begin(), runs_.end(), offset,
                          [](const Run& run, std::uint32_t wanted) { return run.last < wanted; });
}

void LiveRuns::insert(const Run& run) {
  runs_.insert(place(run.first), run);
}

bool LiveRuns::remove(std::uint32_t offset) {
  constexpr std::uint32_t step = alignment;
  const auto run = place(offset);
  if (run == runs_.end() || run->first > offset) return false;
  if (run->first == offset && run->last == offset) {
    runs_.erase(run);
  } else if (run->first == offset) {
    run->first += step;
  } else if (run->last == offset) {
    run->last -= step;
  } else {
    Run before = *run;
    before.last = offset - step;
    run->first = offset + step;
    runs_.insert(run, before);
  }
  return true;
}

bool LiveRuns::mark_lost(std::uint32_t offset, std::uint16_t lost_count) {
  if (!remove(offset)) return false;
  insert({offset, offset, lost_count, true});
  return true;
}

const LiveRuns::Run* LiveRuns::find(std::uint32_t offset) const {
  const auto run = std::lower_bound(runs_.begin(), runs_.end(), offset,
                                    [](const Run& it, std::uint32_t wanted) { return it.last < wanted; });
  return run != runs_.end() && run->first <= offset ? &*run : nullptr;
}

}  // namespace millrace::storage
