#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model.hpp"

namespace millrace::simulation {

/// What clients have asked for, in the log's order, and what they were told.
class History {
 public:
  /// Returns its number.
  std::size_t add(Commit commit);
  /// A client was told that it is durable. Nothing, or what is wrong about that.
  std::optional<std::string> confirm(std::size_t number);
  bool is_confirmed(std::size_t number) const { return number < confirmed_; }
  std::size_t confirmed() const { return confirmed_; }
  std::size_t size() const { return first_ + commits_.size(); }
  /// All that was asked for, done.
  const Model& intended() const { return intended_; }

  /// After a crash: finds how far the log got. All that was confirmed must be there, none of it twice, and of the
  /// rest the beginning, commit by whole commit. Where unsynced writes were scattered, any of the rest may be missing,
  /// each as a whole. What did not make it is forgotten. Otherwise: what is wrong.
  std::optional<std::string> recovered(const Content& found, std::uint64_t now, std::uint64_t late_from,
                                       bool scattered);
  /// Message-ids of commits of which nobody can say whether they were made; forgotten by asking.
  std::set<std::string> take_uncertain() { return std::exchange(uncertain_, {}); }

 private:
  /// It is a binding by which something lies where it does.
  bool has_routed(const Commit& commit, const Content& found) const;

  Model base_;
  Model intended_;
  std::size_t first_ = 0;  ///< number of commits_.front()
  std::vector<Commit> commits_;
  std::size_t confirmed_ = 0;  ///< all with smaller numbers
  std::set<std::string> uncertain_;
};

}  // namespace millrace::simulation
