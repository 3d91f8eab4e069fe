#include "order.hpp"

#include <algorithm>

namespace infonet {
namespace {

constexpr int kDigitBits = 11;
constexpr int kDigits = 3;  // 3 x 11 bits cover the 32 of a key
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kComparisonSortBelow = 300;  // where clearing the buckets costs more

inline std::size_t digit(std::uint32_t key, int place) {
  return (key >> (place * kDigitBits)) & (kBuckets - 1);
}

// Least-significant-digit radix sort. All digits are counted in one reading; a digit that all
// values share is skipped.
Item* radix_sort(std::size_t n, Item* front, Item* back) {
  std::uint32_t start[kDigits][kBuckets] = {};
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t key = key_of(front[i]);
    for (int place = 0; place < kDigits; ++place) ++start[place][digit(key, place)];
  }
  for (int place = 0; place < kDigits; ++place) {
    std::uint32_t* const next = start[place];
    if (next[digit(key_of(front[0]), place)] == n) continue;
    std::uint32_t sum = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      const std::uint32_t count = next[bucket];
      next[bucket] = sum;
      sum += count;
    }
    for (std::size_t i = 0; i < n; ++i) back[next[digit(key_of(front[i]), place)]++] = front[i];
    std::swap(front, back);
  }
  return front;
}

}  // namespace

Item* sort_items(std::size_t n, SortScratch& scratch) {
  Item* const front = scratch.front.reserve(n);
  if (n >= kComparisonSortBelow) return radix_sort(n, front, scratch.back.reserve(n));
  std::sort(front, front + n);
  return front;
}

}  // namespace infonet
