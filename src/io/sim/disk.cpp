#include "io/sim/disk.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

namespace millrace::io::sim {
namespace {

const Error power_cut{Error::Kind::io, "the power was cut"};
constexpr std::uint64_t sector = 512;

}  // namespace

struct SimDisk::Inode {
  /// A write, or a truncation where `size` is given.
  struct Change {
    std::uint64_t offset = 0;
    std::string data;
    std::optional<std::uint64_t> size;
  };

  std::string now;
  std::string durable;
  std::vector<Change> changes;  ///< since the last sync

  static void apply(std::string& bytes, const Change& change) {
    if (change.size) return bytes.resize(*change.size);
    if (bytes.size() < change.offset + change.data.size()) bytes.resize(change.offset + change.data.size());
    std::copy(change.data.begin(), change.data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(change.offset));
  }

  void change(Change what) {
    apply(now, what);
    changes.push_back(std::move(what));
  }

  void make_durable() {
    for (const auto& change : changes) apply(durable, change);
    changes.clear();
  }
};

/// Name `from` gone (empty: none), name `to` there (empty: none).
struct SimDisk::FolderChange {
  std::string from;
  std::string to;
  std::shared_ptr<Inode> inode;

  void apply(Names& names) const {
    if (!from.empty()) names.erase(from);
    if (!to.empty()) names[to] = inode;
  }
};

class SimDisk::OpenFile final : public File {
 public:
  OpenFile(SimDisk& disk, std::shared_ptr<Inode> inode) : disk_(disk), inode_(std::move(inode)), boot_(disk.boots_) {}

  Status write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    if (stale()) return power_cut;
    std::string data;
    for (const auto piece : pieces) data += piece;
    return disk_.write(*inode_, offset, data);
  }

  Result<std::string> read_at(std::uint64_t offset, std::size_t size) const override {
    if (stale() || disk_.off_) return power_cut;
    return offset >= inode_->now.size() ? std::string() : inode_->now.substr(offset, size);
  }

  Status sync() override {
    if (stale()) return power_cut;
    return disk_.sync([this] { inode_->make_durable(); }, [this] { inode_->changes.clear(); });
  }

  Status settle() override {
    const auto status = sync();
    if (status && inode_->changes.empty()) inode_->now = inode_->durable;
    return status;
  }

  Status truncate(std::uint64_t size) override {
    if (stale()) return power_cut;
    const auto status = disk_.begin_operation();
    inode_->change({0, {}, size});
    return status;
  }

  Status allocate(std::uint64_t size) override {
    if (stale()) return power_cut;
    return disk_.allocate(*inode_, size);
  }

  Result<std::uint64_t> size() const override {
    if (stale() || disk_.off_) return power_cut;
    return inode_->now.size();
  }

 private:
  bool stale() const { return boot_ != disk_.boots_; }

  SimDisk& disk_;
  std::shared_ptr<Inode> inode_;
  std::uint64_t boot_;
};

SimDisk::SimDisk(std::uint64_t seed, std::uint64_t capacity) : random_(seed), capacity_(capacity) {}
SimDisk::~SimDisk() = default;

std::uint64_t SimDisk::random(std::uint64_t below) {
  return random_() % below;
}

Status SimDisk::begin_operation() {
  if (off_) return power_cut;
  ++operations_;
  if (operations_ != cut_at_) return Done{};
  off_ = true;
  return power_cut;
}

Status SimDisk::write(Inode& inode, std::uint64_t offset, std::string_view data) {
  if (off_) return power_cut;
  const auto status = begin_operation();
  if (++writes_ == skipped_write_) return status;
  const auto growth = std::max<std::uint64_t>(inode.now.size(), offset + data.size()) - inode.now.size();
  if (status && used() + growth > capacity_) {
    inode.change({offset, std::string(data.substr(0, random(data.size() + 1))), std::nullopt});
    return Error{Error::Kind::no_space, "no space left on the disk"};
  }
  inode.change({offset, std::string(data), std::nullopt});
  return status;
}

Status SimDisk::allocate(Inode& inode, std::uint64_t size) {
  const auto status = begin_operation();
  if (inode.now.size() >= size) return status;
  if (status && used() + size - inode.now.size() > capacity_) {
    return Error{Error::Kind::no_space, "no space left on the disk"};
  }
  inode.change({0, {}, size});
  return status;
}

Status SimDisk::sync(const std::function<void()>& make_durable, const std::function<void()>& give_up) {
  const auto status = begin_operation();
  if (!status) {
    if (random(2) == 0) make_durable();
    return status;
  }
  ++syncs_;
  if (syncs_ == skipped_sync_) return Done{};
  if (syncs_ == failing_sync_) {
    random(2) == 0 ? make_durable() : give_up();
    return Error{Error::Kind::io, "the sync failed"};
  }
  make_durable();
  return Done{};
}

Result<std::unique_ptr<File>> SimDisk::open(std::string_view name, Open how) {
  if (off_) return power_cut;
  const auto found = names_.find(name);
  if (how == Open::existing) {
    if (found == names_.end()) return Error{Error::Kind::not_found, fmt::format("cannot open {}", name)};
    return std::unique_ptr<File>(new OpenFile(*this, found->second));
  }
  if (found != names_.end()) return Error{Error::Kind::conflict, fmt::format("cannot make {}: it is there", name)};
  const auto status = begin_operation();
  changes_.push_back({{}, std::string(name), std::make_shared<Inode>()});
  changes_.back().apply(names_);
  if (!status) return status.error();
  return std::unique_ptr<File>(new OpenFile(*this, changes_.back().inode));
}

Result<std::vector<std::string>> SimDisk::list() const {
  if (off_) return power_cut;
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) names.push_back(name);
  return names;
}

Status SimDisk::remove(std::string_view name) {
  if (off_) return power_cut;
  if (!names_.contains(name)) return Error{Error::Kind::not_found, fmt::format("cannot remove {}", name)};
  const auto status = begin_operation();
  changes_.push_back({std::string(name), {}, nullptr});
  changes_.back().apply(names_);
  return status;
}

Status SimDisk::rename(std::string_view from, std::string_view to) {
  if (off_) return power_cut;
  const auto found = names_.find(from);
  if (found == names_.end()) return Error{Error::Kind::not_found, fmt::format("cannot rename {}", from)};
  const auto status = begin_operation();
  changes_.push_back({std::string(from), std::string(to), found->second});
  changes_.back().apply(names_);
  return status;
}

Status SimDisk::sync_folder() {
  const auto make_durable = [this] {
    durable_names_ = names_;
    changes_.clear();
  };
  return sync(make_durable, [] {});
}

Result<std::uint64_t> SimDisk::free_space() const {
  return capacity_ - std::min(capacity_, used());
}

std::uint64_t SimDisk::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, inode] : names_) bytes += inode->now.size();
  return bytes;
}

std::size_t SimDisk::up_to(std::size_t count, Loss loss) {
  if (loss == Loss::everything) return 0;
  return loss == Loss::nothing ? count : random(count + 1);
}

void SimDisk::scatter(Inode& inode) {
  for (const auto& change : inode.changes) {
    if (change.size) {
      if (random(2) == 0) Inode::apply(inode.durable, change);
      continue;
    }
    for (std::uint64_t at = 0; at < change.data.size();) {
      const auto size = std::min(sector - (change.offset + at) % sector, change.data.size() - at);
      if (random(2) == 0) Inode::apply(inode.durable, {change.offset + at, change.data.substr(at, size), {}});
      at += size;
    }
  }
}

void SimDisk::keep(Inode& inode, Loss loss) {
  const auto kept = up_to(inode.changes.size(), loss);
  for (std::size_t i = 0; i < kept; ++i) {
    auto& change = inode.changes[i];
    const bool torn = loss == Loss::torn && i + 1 == kept && !change.size;
    if (torn) change.data.resize(random(change.data.size() + 1));
    Inode::apply(inode.durable, change);
  }
}

void SimDisk::power_on(Loss loss) {
  // Changes of names are journaled: they happen in their order.
  const auto names_kept = up_to(changes_.size(), loss);
  for (std::size_t i = 0; i < names_kept; ++i) changes_[i].apply(durable_names_);
  for (const auto& [name, inode] : durable_names_) {
    loss == Loss::scattered ? scatter(*inode) : keep(*inode, loss);
    inode->changes.clear();
    inode->now = inode->durable;
  }
  names_ = durable_names_;
  changes_.clear();
  cut_at_.reset();
  failing_sync_.reset();
  off_ = false;
  ++boots_;
}

bool SimDisk::flip_a_bit() {
  std::uint64_t total = 0;
  for (const auto& [name, inode] : durable_names_) total += inode->durable.size();
  if (total == 0) return false;
  auto at = random(total);
  for (const auto& [name, inode] : durable_names_) {
    if (at >= inode->durable.size()) {
      at -= inode->durable.size();
      continue;
    }
    const auto flipped = static_cast<char>(static_cast<unsigned char>(inode->durable[at]) ^ (1u << random(8)));
    inode->durable[at] = flipped;
    if (inode->now.size() > at) inode->now[at] = flipped;
    return true;
  }
  return false;
}

}  // namespace millrace::io::sim
