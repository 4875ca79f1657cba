#include "line.hpp"

#include <algorithm>

namespace millrace::simulation {
using namespace std::chrono_literals;

void Line::send(End from, std::string_view bytes) {
  if (broken_ || way(from).closed) return;
  way(from).under_way += bytes;
  move_soon(from);
}

void Line::close(End from) {
  way(from).closed = true;
  move_soon(from);
}

void Line::leave(End end) {
  way(end).peer = nullptr;
  close(end);
}

void Line::cut_after(End from, std::uint64_t bytes, bool silently) {
  way(from).left = bytes;
  silent_ = silently;
  if (bytes == 0) break_now();
}

void Line::move_soon(End from) {
  if (broken_ || std::exchange(way(from).moving, true)) return;
  const auto delay = dice_() % 4 == 0 ? std::chrono::microseconds(dice_() % 3000) : 20us;
  loop_.after(delay, [weak = weak_from_this(), from] {
    if (const auto self = weak.lock()) self->move(from);
  });
}

void Line::move(End from) {
  auto& sent = way(from);
  sent.moving = false;
  if (broken_) return;
  if (sent.under_way.empty()) {
    if (sent.closed) tell_lost(other(from));
    return;
  }
  auto size = sent.under_way.size();
  if (dice_() % 3 == 0) size = 1 + dice_() % std::min<std::size_t>(size, dice_() % 2 == 0 ? 8 : size);
  if (sent.left) size = std::min<std::uint64_t>(size, *sent.left);
  const auto piece = sent.under_way.substr(0, size);
  sent.under_way.erase(0, size);
  sent.arrived += size;
  if (sent.left) *sent.left -= size;
  const bool breaks = sent.left == 0u;
  if (auto* peer = way(other(from)).peer) peer->received(piece);
  if (breaks) return break_now();
  if (!sent.under_way.empty() || sent.closed) move_soon(from);
}

void Line::break_now() {
  if (std::exchange(broken_, true)) return;
  for (auto& way : ways_) way.under_way.clear();
  if (silent_) return;
  for (const auto end : {client, broker}) {
    loop_.after(std::chrono::microseconds(dice_() % 2000), [weak = weak_from_this(), end] {
      if (const auto self = weak.lock()) self->tell_lost(end);
    });
  }
}

void Line::tell_lost(End end) {
  if (auto* peer = std::exchange(way(end).peer, nullptr)) peer->lost();
}

}  // namespace millrace::simulation
