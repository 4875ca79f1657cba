#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../content.hpp"

namespace millrace::simulation {

/// Queues through which a message goes and on one of which it lies until it is settled: published to `main`, it may be
/// dead-lettered to `other`.
struct Family {
  const char* key;
  const char* main;
  const char* other = nullptr;  ///< none: what is rejected is gone

  bool has(std::string_view queue) const { return queue == main || (other != nullptr && queue == other); }
};

namespace families {
inline constexpr Family work{"work", "work", "dead"};
inline constexpr Family ranked{"ranked", "ranked"};                 ///< x-max-priority
inline constexpr Family narrow{"narrow", "narrow", "dropped"};      ///< x-max-length-bytes, drop-head
inline constexpr Family passing{"passing", "delayed", "returned"};  ///< per-message expiration
inline constexpr Family ordered{"ordered", "ordered"};              ///< x-millrace-ordered
inline constexpr Family heap{"heap", "heap"};                       ///< purged, and consumed by nobody
inline constexpr std::array<const Family*, 6> all = {&work, &ranked, &narrow, &passing, &ordered, &heap};
}  // namespace families

/// What can be known of something that a client has asked for: an answer may have been lost.
enum class Known : std::uint8_t { no, perhaps, yes };

/// A message in one family, as its clients know it.
struct Copy {
  std::string id;
  const Family* family = nullptr;
  std::string stream;  ///< the channel that published it; its messages keep their order on a queue
  std::uint64_t number = 0;
  std::uint8_t priority = 0;
  std::string order_key = {};  ///< in the family `ordered`
  Known made = Known::perhaps;
  Known settled = Known::no;
  Known rejected = Known::no;                       ///< moved on to the family's other queue
  std::set<std::string, std::less<>> seen_on = {};  ///< queues that delivered it, since the broker's last start
  bool seen = false;
  std::uint32_t tries = 0;  ///< to settle or reject it
};

/// What takes effect together.
struct Transaction {
  std::vector<Copy*> published;
  std::vector<Copy*> settled;
  std::vector<Copy*> put_back;       ///< to their places, for later
  std::vector<Copy*> moved;          ///< rejected, and so dead-lettered within their family
  std::vector<std::uint32_t> tries;  ///< of `settled`, with this one; 0: somebody else's has no answer yet
};

/// What clients have asked the broker for and what they have heard of it; says what cannot be. Everything returned as
/// text is a fault.
class NetworkLedger {
 public:
  using Fault = std::optional<std::string>;

  /// `made` is `no` for what a transaction has gathered: commit() tries it.
  Copy& publish(const Family& family, std::string id, std::string stream, std::uint64_t number, std::uint8_t priority,
                Known made);
  /// Whether rejecting it moves it to its family's other queue; otherwise it is gone.
  static bool moves(const Copy& copy) {
    return copy.family->other != nullptr && !copy.seen_on.contains(copy.family->other);
  }
  static void try_to_settle(Copy& copy, bool moving);
  static void settled(Copy& copy, bool moving) { (moving ? copy.rejected : copy.settled) = Known::yes; }
  Fault delivered(std::string_view queue, std::string_view id, bool redelivered, Copy*& copy);

  /// tx.commit is on its way; until finish() nobody knows about it.
  void commit(const std::shared_ptr<Transaction>& transaction);
  void finish(const std::shared_ptr<Transaction>& transaction);

  /// queue.purge of `heap` is on its way; returns what it will have taken off for certain.
  std::vector<Copy*> begin_purge();
  void end_purge() { --purges_; }

  /// From now on what moves to another queue is back after the broker's next start.
  void storage_failed() { stored_ = false; }
  /// The broker has started anew and nobody has talked to it yet.
  Fault recovered(const Content& lying);
  /// Nothing that was confirmed is still to be had: all has been delivered and settled.
  Fault all_settled() const;
  bool any_unsettled() const { return all_settled().has_value(); }
  std::size_t size() const { return copies_.size(); }

 private:
  Copy* find(std::string_view queue, std::string_view id);
  Fault check_turn(const Copy& copy) const;
  Fault check_order(const std::string& queue, const std::vector<Copy*>& copies) const;
  Fault check_whole(const Transaction& transaction, const std::set<const Copy*>& there);
  Fault undo(const Copy& settled);

  std::map<std::pair<const Family*, std::string>, std::unique_ptr<Copy>, std::less<>> copies_;
  std::vector<std::shared_ptr<Transaction>> open_;  ///< transactions of which nobody knows
  std::uint32_t purges_ = 0;                        ///< under way
  bool stored_ = true;
};

}  // namespace millrace::simulation
