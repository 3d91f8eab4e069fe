#include "order.hpp"

#include <algorithm>
#include <cstring>

namespace infonet {
namespace {

constexpr int kDigitBits = 11;
constexpr int kDigits = 3;  // 3 x 11 bits cover the 32 of a key
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kComparisonSortBelow = 300;  // where clearing the buckets costs more

// Unsigned integers that order as the floats do: negative values are complemented, positive ones
// get the top bit. Works on bits alone, so that no floating-point mode can flush a denormal.
inline std::uint32_t ordered_key(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = bits == 0x80000000u ? 0u : bits;  // -0.0 ties with 0.0
  const std::uint32_t sign = bits >> 31;
  return bits ^ ((0u - sign) | 0x80000000u);
}

inline Item make_item(std::uint32_t key, std::size_t index) {
  return (static_cast<Item>(key) << 32) | static_cast<Item>(index);
}

inline std::size_t digit(std::uint32_t key, int place) {
  return (key >> (place * kDigitBits)) & (kBuckets - 1);
}

const Item* comparison_sort(const float* values, std::ptrdiff_t stride, std::size_t n,
                            Item* items) {
  for (std::size_t i = 0; i < n; ++i) {
    items[i] = make_item(ordered_key(values[static_cast<std::ptrdiff_t>(i) * stride]), i);
  }
  std::sort(items, items + n);
  return items;
}

// Least-significant-digit radix sort. All digits are counted in one reading; a digit that all
// values share is skipped.
const Item* radix_sort(const float* values, std::ptrdiff_t stride, std::size_t n, Item* front,
                       Item* back) {
  std::uint32_t start[kDigits][kBuckets] = {};
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t key = ordered_key(values[static_cast<std::ptrdiff_t>(i) * stride]);
    front[i] = make_item(key, i);
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

const Item* sort_values(const float* values, std::ptrdiff_t stride, std::size_t n,
                        SortScratch& scratch) {
  Item* const front = scratch.front.reserve(n);
  if (n < kComparisonSortBelow) return comparison_sort(values, stride, n, front);
  return radix_sort(values, stride, n, front, scratch.back.reserve(n));
}

}  // namespace infonet
