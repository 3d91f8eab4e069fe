#include "average_rank.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "column.hpp"
#include "dispatch.hpp"
#include "order.hpp"
#include "scratch.hpp"

namespace infonet {
namespace {

SortScratch& scratch() {
  thread_local SortScratch instance;
  return instance;
}

struct TrimOnExit {
  ~TrimOnExit() { scratch().trim(kMostKeptBytes); }
};

Status refuse_nan(const InfonetColumn& column, const Key* keys, const std::string& where) {
  std::size_t i = 0;
  while (!is_nan(column, keys[i])) ++i;
  return Status::invalid("values: NaN at " + where + "index " + std::to_string(i) +
                         "; NaN has no rank: remove or replace it first");
}

// Values are sorted by the top bits of key - low, as many as the layout has, which for most columns
// tell all of them apart. Runs that these leave equal are refined by the rest, the lowest bits of
// this number.
int coarse_bits(const KeyRange& range, const Layout& layout) {
  int bits = 0;
  while ((range.high - range.low) >> bits >> layout.key_bits) ++bits;
  return bits;
}

// Of many doubles 32 bits leave so many equal that one more pass of the sort is cheaper.
constexpr std::size_t kManyValues = std::size_t{1} << 19;

Layout layout_of(const KeyRange& range, std::size_t n) {
  const bool short_keys = (range.high - range.low) >> 32 == 0;
  return short_keys || n < kManyValues ? Layout{} : longest_keys(n);
}

INFONET_VECTOR_CLONES
void make_items(const Key* keys, std::size_t n, Key low, int bits, int index_bits, Item* items) {
  for (std::size_t i = 0; i < n; ++i) {
    items[i] = (((keys[i] - low) >> bits) << index_bits) | static_cast<Item>(i);
  }
}

// The end (exclusive) of the run of equal keys that starts at position i.
inline std::size_t run_end(const Item* sorted, std::size_t n, std::size_t i, const Layout& layout) {
  const std::uint64_t key = layout.key(sorted[i]);
  do ++i;
  while (i < n && layout.key(sorted[i]) == key);
  return i;
}

// Twice the mean rank of the run of positions [i, j) is i + j + 1, so that each normalised rank
// is (i + j + shift) / scale in exact integers, rounded once.
struct Scale {
  double shift, scale;
  template <typename Rank>
  Rank rank(std::size_t begin, std::size_t end) const {
    return static_cast<Rank>((static_cast<double>(begin + end) + shift) / scale);
  }
};

Scale scale_of(InfonetNormalize normalize, const Key* keys, std::size_t n, const KeyRange& range) {
  const double size = static_cast<double>(n);
  if (normalize == INFONET_MIDRANK) return {0.0, 2 * size};
  if (normalize == INFONET_OVER_N) return {1.0, 2 * size};
  if (range.low == range.high) return {0.0, 2 * size};  // 1/2
  const double lowest = static_cast<double>(std::count(keys, keys + n, range.low));
  const double highest = static_cast<double>(std::count(keys, keys + n, range.high));
  return {-lowest, 2 * size - lowest - highest};
}

// Items [begin, end), equal in their coarse keys, get the low bits for keys and are put in order.
void refine(const InfonetColumn& column, Key low, int bits, const Layout& layout, Item* begin,
            Item* end) {
  const Key mask = (Key{1} << bits) - 1;
  for (Item* item = begin; item < end; ++item) {
    const std::uint64_t index = layout.index(*item);
    *item = layout.item((key_at(column, index) - low) & mask, index);
  }
  if (!std::is_sorted(begin, end)) std::sort(begin, end);  // true ties are in order already
}

}  // namespace

template <typename Rank>
Status average_rank(const InfonetColumn& column, std::size_t n, InfonetNormalize normalize,
                    const std::string& where, Rank* ranks, std::ptrdiff_t rank_stride,
                    std::uint8_t& ties, double& entropy) {
  ties = INFONET_NO_TIES;
  entropy = std::numeric_limits<double>::infinity();
  if (n == 0) return {};
  const TrimOnExit trim;
  Key* const keys = scratch().back.reserve(n);
  const KeyRange range = read_keys(column, n, keys);
  if (is_nan(column, range.low) || is_nan(column, range.high))
    return refuse_nan(column, keys, where);
  const Scale scale = scale_of(normalize, keys, n, range);
  const Layout layout = layout_of(range, n);
  const int bits = coarse_bits(range, layout);
  make_items(keys, n, range.low, bits, layout.index_bits, scratch().front.reserve(n));
  Item* const sorted = sort_items(n, scratch(), layout);

  std::size_t levels = 0;
  double logs = 0.0;  // sum of count * log(count) over the levels
  const auto assign = [&](std::size_t begin, std::size_t end) {
    const Rank rank = scale.rank<Rank>(begin, end);
    ++levels;
    if (const double count = static_cast<double>(end - begin); count > 1) {
      logs += count * std::log(count);
    }
    for (std::size_t i = begin; i < end; ++i) {
      ranks[static_cast<std::ptrdiff_t>(layout.index(sorted[i])) * rank_stride] = rank;
    }
  };
  for (std::size_t i = 0; i < n;) {
    const std::size_t end = run_end(sorted, n, i, layout);
    if (bits == 0 || end - i == 1) {
      assign(i, end);
      i = end;
      continue;
    }
    refine(column, range.low, bits, layout, sorted + i, sorted + end);
    while (i < end) {
      const std::size_t next = run_end(sorted, end, i, layout);
      assign(i, next);
      i = next;
    }
  }
  if (levels < n) {
    const double size = static_cast<double>(n);
    ties = INFONET_TIES;
    entropy = std::log(size) - logs / size + static_cast<double>(levels - 1) / (2 * size);
  }
  if (levels == 1) {
    ties = INFONET_CONSTANT;
    entropy = 0.0;
  }
  return {};
}

template Status average_rank(const InfonetColumn&, std::size_t, InfonetNormalize,
                             const std::string&, float*, std::ptrdiff_t, std::uint8_t&, double&);
template Status average_rank(const InfonetColumn&, std::size_t, InfonetNormalize,
                             const std::string&, double*, std::ptrdiff_t, std::uint8_t&, double&);

}  // namespace infonet
