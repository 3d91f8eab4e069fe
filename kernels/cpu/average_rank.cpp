#include "average_rank.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "column_keys.hpp"
#include "dispatch.hpp"
#include "rank_formulas.hpp"
#include "scratch.hpp"
#include "sort.hpp"
#include "ties.hpp"

namespace infonet {
namespace {

struct RankScratch : SortScratch {
  Buffer<Item> run;
};

RankScratch& scratch() {
  thread_local RankScratch instance;
  return instance;
}

struct TrimOnExit {
  ~TrimOnExit() {
    scratch().trim(kMostKeptBytes);
    scratch().run.trim(kMostKeptBytes);
  }
};

Status refuse_nan(const InfonetColumn& column, const Key* keys, const std::string& where) {
  std::size_t i = 0;
  while (!is_nan(column, keys[i])) ++i;
  return Status::invalid("values: NaN at " + where + "index " + std::to_string(i) +
                         "; NaN has no rank: remove or replace it first");
}

// Values are sorted by the top bits of their compact keys, for most columns as many as tell nearly
// all of them apart. Runs that these leave equal are refined by the rest, the lowest `rest` bits.
struct Plan {
  Layout layout;
  int rest;
  bool is_short;  // the items
};

// Of many doubles 32 bits leave so many equal that one more pass of the sort is cheaper.
constexpr std::size_t kManyValues = std::size_t{1} << 19;

Plan plan_of(const InfonetColumn& column, std::size_t n, std::uint64_t last) {
  const int index_bits = std::max(1, bits_of_number(n - 1)), bits = bits_of_number(last);
  // Floats between two powers of 2 have keys in a row, and of most columns they lie between few
  // such powers: where there are more short keys between two than values, few values share one.
  // Of integers nothing is known.
  const int mantissa = column.type == INFONET_FLOAT32 ? 23 : 52;
  const auto suffices = [&](int key_bits) {
    const int rest = bits - key_bits;
    return rest <= 0 || (is_float(column) && mantissa - rest > index_bits);
  };
  const auto plan = [&](int key_bits, bool is_short) {
    const int kept = std::max(1, std::min(bits, key_bits));
    return Plan{Layout{index_bits, kept}, std::max(0, bits - kept), is_short};
  };
  if (index_bits < 32) {
    const int key_bits = std::min(32 - index_bits, 2 * kDigitBits);
    if (suffices(key_bits)) return plan(key_bits, true);
  }
  const int most = n < kManyValues ? 3 : kMostDigits;
  int digits = 2;
  while (digits < most && !suffices(digits * kDigitBits)) ++digits;
  return plan(std::min(digits * kDigitBits, 64 - index_bits), false);
}

template <typename Any>
inline void write_items(const Key* keys, std::size_t n, const Compact& compact, int rest,
                        int index_bits, Any* items) {
  for (std::size_t i = 0; i < n; ++i) {
    items[i] = static_cast<Any>(((compact(keys[i]) >> rest) << index_bits) | i);
  }
}

INFONET_VECTOR_CLONES
void make_items(const Key* keys, std::size_t n, Compact compact, int rest, int index_bits,
                Item* items) {
  write_items(keys, n, compact, rest, index_bits, items);
}

INFONET_VECTOR_CLONES
void make_items(const Key* keys, std::size_t n, Compact compact, int rest, int index_bits,
                ShortItem* items) {
  write_items(keys, n, compact, rest, index_bits, items);
}

AverageScale scale_of(InfonetNormalize normalize, const Key* keys, std::size_t n,
                      const KeyRange& range) {
  const double size = static_cast<double>(n);
  if (normalize != INFONET_MINMAX) return average_scale(size, normalize, 0, 0);
  if (range.low == range.high) return average_scale(size, INFONET_MIDRANK, 0, 0);  // 1/2
  return average_scale(size, normalize, static_cast<double>(std::count(keys, keys + n, range.low)),
                       static_cast<double>(std::count(keys, keys + n, range.high)));
}

// Ranks of the values whose places are in sorted items, which all are equal or all differ.
template <typename Rank>
struct Ranks {
  Rank* ranks;
  std::ptrdiff_t stride;
  AverageScale scale;

  template <typename Any>
  void give(const Any* items, std::uint64_t mask, std::size_t begin, std::size_t end) const {
    const Rank rank =
        scale.template rank<Rank>(static_cast<double>(begin), static_cast<double>(end));
    for (std::size_t i = 0; i < end - begin; ++i) {
      ranks[static_cast<std::ptrdiff_t>(items[i] & mask) * stride] = rank;
    }
  }
};

template <typename Any>
inline std::size_t run_end(const Any* items, std::size_t begin, std::size_t end, int index_bits) {
  const Any key = items[begin] >> index_bits;
  do ++begin;
  while (begin < end && items[begin] >> index_bits == key);
  return begin;
}

constexpr std::size_t kChunk = 256;  // ranks made at a time

// The ranks of values that equal no other, at the places from `begin` on.
template <typename Rank>
inline void ranks_alone(const AverageScale& scale, std::size_t begin, Rank* ranks) {
  const double first = static_cast<double>(begin);
  for (std::size_t i = 0; i < kChunk; ++i) {
    const double place = first + static_cast<double>(static_cast<std::int32_t>(i));
    ranks[i] = scale.template rank<Rank>(place, place + 1);
  }
}

INFONET_VECTOR_CLONES
void make_ranks(const AverageScale& scale, std::size_t begin, float* ranks) {
  ranks_alone(scale, begin, ranks);
}

INFONET_VECTOR_CLONES
void make_ranks(const AverageScale& scale, std::size_t begin, double* ranks) {
  ranks_alone(scale, begin, ranks);
}

// Gives every value its rank. Where items share a key, rest_of(index) is the rest of it.
template <typename Any, typename RestOf, typename Rank>
TieSums give_ranks(const Any* sorted, std::size_t n, const Plan& plan, const RestOf& rest_of,
                   const Ranks<Rank>& to) {
  const int index_bits = plan.layout.index_bits;
  const std::uint64_t mask = (std::uint64_t{1} << index_bits) - 1;
  TieSums sums{0.0, 0};
  std::uint32_t alone = 0;
  Rank ranks[kChunk];
  std::size_t made = 0, from = 0;  // ranks[i] is that of the place from + i, below `made`
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    end = begin + 1;
    if (end == n || (sorted[begin] ^ sorted[end]) >> index_bits) {  // as most
      if (begin >= made) {
        make_ranks(to.scale, begin, ranks);
        from = begin;
        made = begin + kChunk;
      }
      to.ranks[static_cast<std::ptrdiff_t>(sorted[begin] & mask) * to.stride] = ranks[begin - from];
      ++alone;
      continue;
    }
    end = run_end(sorted, begin, n, index_bits);
    const std::size_t length = end - begin;
    if (plan.rest == 0) {
      to.give(sorted + begin, mask, begin, end);
      sums = joined(sums, tie_sums(static_cast<std::uint32_t>(length)));
      continue;
    }
    Item* const run = scratch().run.reserve(length);
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint64_t index = sorted[begin + i] & mask;
      run[i] = (rest_of(index) << index_bits) | index;
    }
    if (!std::is_sorted(run, run + length)) std::sort(run, run + length);  // ties are in order
    for (std::size_t i = 0, next = 0; i < length; i = next) {
      next = run_end(run, i, length, index_bits);
      to.give(run + i, mask, begin + i, begin + next);
      sums = joined(sums, tie_sums(static_cast<std::uint32_t>(next - i)));
    }
  }
  sums.levels += alone;
  return sums;
}

template <typename Rank>
TieSums rank_keys(const InfonetColumn& column, std::size_t n, const Compact compact, Key high,
                  const Key* keys, const Ranks<Rank>& to) {
  const Plan plan = plan_of(column, n, compact(high));
  const std::uint64_t rest = (std::uint64_t{1} << plan.rest) - 1;
  Item* const front = scratch().front.reserve(n);
  if (!plan.is_short) {
    make_items(keys, n, compact, plan.rest, plan.layout.index_bits, front);
    // The sort writes over the keys.
    const auto rest_of = [=](std::uint64_t i) { return compact(key_at(column, i)) & rest; };
    return give_ranks(sort_items(n, scratch(), plan.layout), n, plan, rest_of, to);
  }
  // Two arrays of short items lie where one of the others would, and the keys stay.
  ShortItem* const items = reinterpret_cast<ShortItem*>(front);
  make_items(keys, n, compact, plan.rest, plan.layout.index_bits, items);
  const auto rest_of = [=](std::uint64_t i) { return compact(keys[i]) & rest; };
  return give_ranks(sort_short_items(n, items, items + n, plan.layout), n, plan, rest_of, to);
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
  Key* const keys = reinterpret_cast<Key*>(scratch().back.reserve(n));
  const KeyRange range = read_keys(column, n, keys);
  if (is_nan(column, range.low) || is_nan(column, range.high))
    return refuse_nan(column, keys, where);
  const AverageScale scale = scale_of(normalize, keys, n, range);
  const TieSums sums = rank_keys(column, n, compact_of(column, range), range.high, keys,
                                 Ranks<Rank>{ranks, rank_stride, scale});
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
