#include "average_rank.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "dispatch.hpp"
#include "keys.hpp"
#include "rank_formulas.hpp"
#include "scratch.hpp"
#include "sort.hpp"
#include "ties.hpp"

namespace infonet {
namespace {

// Orders as the values do, exactly; equal values have equal keys.
using Key = std::uint64_t;

// Without default values: clang leaves out a constructor that only target_clones use.
struct KeyRange {
  Key low, high;
};

// Values may be unaligned.
template <typename T>
inline Key key_at(const char* value) {
  T copy;
  std::memcpy(&copy, value, sizeof copy);
  return ordered_key(copy);
}

template <typename T>
inline KeyRange read_strided(const char* values, std::ptrdiff_t stride, std::size_t n, Key* keys) {
  KeyRange range{std::numeric_limits<Key>::max(), 0};
  for (std::size_t i = 0; i < n; ++i) {
    const Key key = key_at<T>(values + static_cast<std::ptrdiff_t>(i) * stride);
    range.low = key < range.low ? key : range.low;
    range.high = key > range.high ? key : range.high;
    keys[i] = key;
  }
  return range;
}

template <typename T>
inline KeyRange read(const InfonetColumn& column, std::size_t n, Key* keys) {
  const char* const values = static_cast<const char*>(column.values);
  if (column.stride == sizeof(T)) return read_strided<T>(values, sizeof(T), n, keys);
  return read_strided<T>(values, column.stride, n, keys);
}

INFONET_VECTOR_CLONES
KeyRange read_floats(const InfonetColumn& column, std::size_t n, Key* keys) {
  return read<float>(column, n, keys);
}

INFONET_VECTOR_CLONES
KeyRange read_doubles(const InfonetColumn& column, std::size_t n, Key* keys) {
  return read<double>(column, n, keys);
}

template <typename Float>
bool beyond_infinity(Key key) {
  constexpr Float infinity = std::numeric_limits<Float>::infinity();
  return key > ordered_key(infinity) || key < ordered_key(-infinity);
}

// The key of value i.
Key key_at(const InfonetColumn& column, std::size_t i) {
  const char* const value =
      static_cast<const char*>(column.values) + static_cast<std::ptrdiff_t>(i) * column.stride;
  switch (column.type) {
    case INFONET_FLOAT32:
      return key_at<float>(value);
    case INFONET_FLOAT64:
      return key_at<double>(value);
    case INFONET_INT64:
      return key_at<std::int64_t>(value);
    default:
      return key_at<std::uint64_t>(value);
  }
}

// The keys of all n values; returns the smallest and the largest.
KeyRange read_keys(const InfonetColumn& column, std::size_t n, Key* keys) {
  switch (column.type) {
    case INFONET_FLOAT32:
      return read_floats(column, n, keys);
    case INFONET_FLOAT64:
      return read_doubles(column, n, keys);
    case INFONET_INT64:
      return read<std::int64_t>(column, n, keys);
    default:
      return read<std::uint64_t>(column, n, keys);
  }
}

// Whether the value of a key is a NaN. NaNs have the smallest and the largest keys of a column.
bool is_nan(const InfonetColumn& column, Key key) {
  if (column.type == INFONET_FLOAT32) return beyond_infinity<float>(key);
  if (column.type == INFONET_FLOAT64) return beyond_infinity<double>(key);
  return false;
}

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

AverageScale scale_of(InfonetNormalize normalize, const Key* keys, std::size_t n,
                      const KeyRange& range) {
  const double size = static_cast<double>(n);
  if (normalize != INFONET_MINMAX) return average_scale(size, normalize, 0, 0);
  if (range.low == range.high) return average_scale(size, INFONET_MIDRANK, 0, 0);  // 1/2
  return average_scale(size, normalize, static_cast<double>(std::count(keys, keys + n, range.low)),
                       static_cast<double>(std::count(keys, keys + n, range.high)));
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
  const AverageScale scale = scale_of(normalize, keys, n, range);
  const Layout layout = layout_of(range, n);
  const int bits = coarse_bits(range, layout);
  make_items(keys, n, range.low, bits, layout.index_bits, scratch().front.reserve(n));
  Item* const sorted = sort_items(n, scratch(), layout);

  TieSums sums{0.0, 0};
  const auto assign = [&](std::size_t begin, std::size_t end) {
    const Rank rank =
        scale.template rank<Rank>(static_cast<double>(begin), static_cast<double>(end));
    sums = joined(sums, tie_sums(static_cast<std::uint32_t>(end - begin)));
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
  entropy = tie_entropy(sums, static_cast<std::uint32_t>(n));
  ties = sums.levels == 1 ? INFONET_CONSTANT : sums.levels < n ? INFONET_TIES : INFONET_NO_TIES;
  return {};
}

template Status average_rank(const InfonetColumn&, std::size_t, InfonetNormalize,
                             const std::string&, float*, std::ptrdiff_t, std::uint8_t&, double&);
template Status average_rank(const InfonetColumn&, std::size_t, InfonetNormalize,
                             const std::string&, double*, std::ptrdiff_t, std::uint8_t&, double&);

Status ranks_within(const float* row, std::size_t n, const std::int64_t* inside, std::size_t m,
                    const std::string& where, std::uint32_t* counts, float* ranks) {
  // Twice a mid-rank times n is a whole number: the sum of the borders of its run of ties.
  const double places = 2.0 * static_cast<double>(n);
  std::fill_n(counts, 2 * n, 0u);
  for (std::size_t i = 0; i < m; ++i) {
    const double place = static_cast<double>(row[inside[i]]) * places;
    const bool possible = place >= 0.5 && place < places - 0.5;
    const std::int64_t nearest = possible ? static_cast<std::int64_t>(place + 0.5) : 0;
    if (!possible || std::fabs(place - static_cast<double>(nearest)) > 0.25) {
      return Status::invalid("rows: " + std::to_string(row[inside[i]]) + " at " + where + "index " +
                             std::to_string(inside[i]) + " is no mid-rank of " + std::to_string(n) +
                             " samples: rank the row first");
    }
    ++counts[nearest];
  }
  // Places become sums of the borders of the runs that are left.
  std::uint32_t begin = 0;
  for (std::size_t place = 0; place < 2 * n; ++place) {
    const std::uint32_t end = begin + counts[place];
    counts[place] = begin + end;
    begin = end;
  }
  const AverageScale scale = average_scale(static_cast<double>(m), INFONET_MIDRANK, 0, 0);
  for (std::size_t i = 0; i < m; ++i) {
    const double place = static_cast<double>(row[inside[i]]) * places;
    ranks[i] = scale.rank<float>(counts[static_cast<std::int64_t>(place + 0.5)], 0);
  }
  return {};
}

}  // namespace infonet
