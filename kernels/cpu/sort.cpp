#include "sort.hpp"

#include <algorithm>

namespace infonet {
namespace {

constexpr std::size_t kComparisonSortBelow = 300;  // where clearing the buckets costs more

// Least-significant-digit radix sort of keys of Digits digits of `bits` bits each. All digits are
// counted in one reading; a digit that all values share is skipped.
template <int Digits, typename Any>
Any* radix_sort(std::size_t n, int index_bits, int bits, Any* front, Any* back) {
  const std::size_t buckets = std::size_t{1} << bits;
  const auto digit = [=](Any item, int place) {
    return static_cast<std::size_t>(item >> (index_bits + place * bits)) & (buckets - 1);
  };
  std::uint32_t start[Digits][std::size_t{1} << kDigitBits];
  for (int place = 0; place < Digits; ++place) std::fill_n(start[place], buckets, 0u);
  for (std::size_t i = 0; i < n; ++i) {
    const Any item = front[i];
    for (int place = 0; place < Digits; ++place) ++start[place][digit(item, place)];
  }
  for (int place = 0; place < Digits; ++place) {
    std::uint32_t* const next = start[place];
    if (next[digit(front[0], place)] == n) continue;
    std::uint32_t sum = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      const std::uint32_t count = next[bucket];
      next[bucket] = sum;
      sum += count;
    }
    for (std::size_t i = 0; i < n; ++i) back[next[digit(front[i], place)]++] = front[i];
    std::swap(front, back);
  }
  return front;
}

template <typename Any>
Any* sorted(std::size_t n, Any* front, Any* back, Layout layout) {
  if (n < kComparisonSortBelow) {
    std::sort(front, front + n);
    return front;
  }
  // As few digits as hold the key, each of as few bits.
  const int digits = (layout.key_bits + kDigitBits - 1) / kDigitBits;
  const int bits = (layout.key_bits + digits - 1) / digits;
  switch (digits) {
    case 1:
      return radix_sort<1>(n, layout.index_bits, bits, front, back);
    case 2:
      return radix_sort<2>(n, layout.index_bits, bits, front, back);
    case 3:
      return radix_sort<3>(n, layout.index_bits, bits, front, back);
    default:
      return radix_sort<kMostDigits>(n, layout.index_bits, bits, front, back);
  }
}

}  // namespace

Item* sort_items(std::size_t n, SortScratch& scratch, Layout layout) {
  Item* const front = scratch.front.reserve(n);
  return sorted(n, front, scratch.back.reserve(n), layout);
}

ShortItem* sort_short_items(std::size_t n, ShortItem* front, ShortItem* back, Layout layout) {
  return sorted(n, front, back, layout);
}

}  // namespace infonet
