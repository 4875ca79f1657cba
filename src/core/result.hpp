#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "core/check.hpp"
#include "core/error.hpp"

namespace millrace {

/// A T, or the expected failure that kept us from having one. E is Error unless a layer has failures of its own kind
/// (the broker answers with AMQP reply codes).
template <class T, class E = Error>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, E>, "a Result cannot tell its value from its error");

 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const E& error() const {
    MILLRACE_CHECK(state_.index() == 1, "error() of a Result that holds a value");
    return *std::get_if<1>(&state_);
  }

 private:
  T& value() {
    MILLRACE_CHECK(state_.index() == 0, "value of a Result that holds an error");
    return *std::get_if<0>(&state_);
  }
  const T& value() const { return const_cast<Result*>(this)->value(); }

  std::variant<T, E> state_;
};

/// Success without a value.
struct Done {};

/// The outcome of something that only succeeds or fails: `return Done{};` or `return Error{…};`.
template <class E>
using StatusOf = Result<Done, E>;
using Status = Result<Done>;

}  // namespace millrace
