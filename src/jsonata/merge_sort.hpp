#pragma once

#include <cstddef>
#include <cstring>

namespace millrace::jsonata {

/// Stable merge sort, halves first, that asks only `after(a, b)`: must a stand behind b? The order of questions matters
/// where a user's function answers inconsistently, so it is the reference engine's. T is trivially copyable.
template <class T, class After>
void merge_sort(T* items, T* spare, std::size_t size, After& after) {
  if (size < 2) return;
  std::size_t half = size / 2;
  merge_sort(items, spare, half, after);
  merge_sort(items + half, spare, size - half, after);
  std::memcpy(static_cast<void*>(spare), items, half * sizeof(T));
  std::size_t left = 0, right = half, out = 0;
  while (left < half && right < size) {
    if (after(spare[left], items[right])) {
      items[out++] = items[right++];
    } else {
      items[out++] = spare[left++];
    }
  }
  std::memcpy(static_cast<void*>(items + out), spare + left, (half - left) * sizeof(T));
}

}  // namespace millrace::jsonata
