#include "sort.hpp"

#include <algorithm>

namespace infonet {
namespace {

constexpr int kDigitBits = 11;
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kComparisonSortBelow = 300;  // where clearing the buckets costs more
constexpr int kMostDigits = 4;

// Least-significant-digit radix sort of keys of Digits digits. All digits are counted in one
// reading; a digit that all values share is skipped.
template <int Digits>
Item* radix_sort(std::size_t n, int index_bits, Item* front, Item* back) {
  const auto digit = [index_bits](Item item, int place) {
    return static_cast<std::size_t>(item >> (index_bits + place * kDigitBits)) & (kBuckets - 1);
  };
  std::uint32_t start[Digits][kBuckets] = {};
  for (std::size_t i = 0; i < n; ++i) {
    const Item item = front[i];
    for (int place = 0; place < Digits; ++place) ++start[place][digit(item, place)];
  }
  for (int place = 0; place < Digits; ++place) {
    std::uint32_t* const next = start[place];
    if (next[digit(front[0], place)] == n) continue;
    std::uint32_t sum = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      const std::uint32_t count = next[bucket];
      next[bucket] = sum;
      sum += count;
    }
    for (std::size_t i = 0; i < n; ++i) back[next[digit(front[i], place)]++] = front[i];
    std::swap(front, back);
  }
  return front;
}

}  // namespace

Layout longest_keys(std::size_t n) {
  Layout layout{1, 0};
  while ((n - 1) >> layout.index_bits) ++layout.index_bits;
  layout.key_bits = std::min(64 - layout.index_bits, kMostDigits * kDigitBits);
  return layout;
}

Item* sort_items(std::size_t n, SortScratch& scratch, Layout layout) {
  Item* const front = scratch.front.reserve(n);
  if (n < kComparisonSortBelow) {
    std::sort(front, front + n);
    return front;
  }
  Item* const back = scratch.back.reserve(n);
  // 3 x 11 bits cover the 32 of the common layout.
  if (layout.key_bits <= 3 * kDigitBits) return radix_sort<3>(n, layout.index_bits, front, back);
  return radix_sort<kMostDigits>(n, layout.index_bits, front, back);
}

}  // namespace infonet
