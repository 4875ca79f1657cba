#include "jsonata/stack_guard.hpp"

#include <algorithm>
#include <cstddef>

#include <pthread.h>

#include "jsonata/failure.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::size_t reserve = 192u << 10;  // for what runs on top: PCRE2, printing, the unwinder

std::uintptr_t find_floor() {
  pthread_attr_t attributes;
  void* lowest = nullptr;
  std::size_t size = 0;
  std::uintptr_t here = reinterpret_cast<std::uintptr_t>(&attributes);
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return here - (256u << 10);
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  // With no limit on the stack size the kernel reports all it could ever be; we use at most 64 MiB of it.
  std::uintptr_t floor = reinterpret_cast<std::uintptr_t>(lowest);
  std::uintptr_t top = floor + size;
  if (size > (64u << 20)) floor = top - (64u << 20);
  return floor + std::min<std::size_t>(reserve, size / 2);
}

constexpr std::uint32_t steps_between_checks = 4096;

thread_local Deadline* current_deadline = nullptr;
thread_local std::uint32_t steps_left = steps_between_checks;

}  // namespace

Deadline::Deadline(std::chrono::steady_clock::time_point until) : outer_(current_deadline), until_(until) {
  current_deadline = this;
}

Deadline::~Deadline() {
  current_deadline = outer_;
}

void guard_walk() {
  guard_stack();
  if (--steps_left > 0) return;
  steps_left = steps_between_checks;
  if (current_deadline != nullptr && std::chrono::steady_clock::now() > current_deadline->until_)
    throw Failure{.code = "U1001"};
}

std::uintptr_t stack_floor() {
  thread_local std::uintptr_t floor = find_floor();
  return floor;
}

void guard_stack() {
  char here = 0;
  if (reinterpret_cast<std::uintptr_t>(&here) < stack_floor()) throw Failure{.code = "U1001"};
}

}  // namespace millrace::jsonata
