#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "io/sim/loop.hpp"

namespace millrace::simulation {

/// One TCP connection of a simulated network: bytes arrive in their order, in pieces of any size and some time later.
/// It can break between any two bytes of either direction; what is on the way is lost then. Deterministic by the dice.
/// Lifetime: the loop and the dice outlive it; an end that goes says so with leave().
class Line : public std::enable_shared_from_this<Line> {
 public:
  enum End : std::uint8_t { client, broker };

  class Peer {
   public:
    virtual ~Peer() = default;
    virtual void received(std::string_view bytes) = 0;
    /// The other end has closed, or the line has broken. Nothing comes after it.
    virtual void lost() = 0;
  };

  Line(io::sim::SimLoop& loop, std::mt19937_64& dice) : loop_(loop), dice_(dice) {}

  void attach(End end, Peer& peer) { way(end).peer = &peer; }
  void send(End from, std::string_view bytes);
  /// No more from there: what was sent still arrives, then the other end is told.
  void close(End from);
  /// The end is destroyed; as close(), and it is told nothing more.
  void leave(End end);
  /// After that many further bytes from that end the line breaks. Silently: neither end is told, as when a cable is
  /// pulled out; only heartbeats find out.
  void cut_after(End from, std::uint64_t bytes, bool silently);
  bool is_broken() const { return broken_; }
  /// Bytes that have arrived at the other end.
  std::uint64_t arrived(End from) const { return from == client ? ways_[0].arrived : ways_[1].arrived; }

 private:
  /// What an end is told, and what it sends.
  struct Way {
    Peer* peer = nullptr;
    std::string under_way;  ///< sent by this end
    std::uint64_t arrived = 0;
    bool moving = false;
    bool closed = false;
    std::optional<std::uint64_t> left;  ///< bytes before the line breaks
  };
  Way& way(End end) { return ways_[end == client ? 0 : 1]; }
  static End other(End end) { return end == client ? broker : client; }
  void move_soon(End from);
  void move(End from);
  void break_now();
  void tell_lost(End end);

  io::sim::SimLoop& loop_;
  std::mt19937_64& dice_;
  Way ways_[2];
  bool broken_ = false;
  bool silent_ = false;
};

}  // namespace millrace::simulation
