// From sorted keys, and for soft ranks the blocks of the pooling, to normalised ranks.
//
// A walk goes over a thread's places in order. What it needs of other threads' keys it reads at its
// start, so that after a barrier ranks may take the place of the keys.
#pragma once

#include "block_pool.hpp"
#include "rank_formulas.hpp"

namespace infonet {

// A walk over places [begin, end) of n ascending keys that are not all equal. `first` is where the
// run of equal keys at its first place begins, `last_end` where that at its last place ends.
INFONET_HD AverageWalk average_start(const std::uint32_t* keys, std::uint32_t n,
                                     InfonetNormalize normalize, std::uint32_t begin,
                                     std::uint32_t end) {
  AverageWalk walk{lower_bound(keys, n, keys[begin]), upper_bound(keys, n, keys[end - 1]), {}};
  const bool minmax = normalize == INFONET_MINMAX;
  const std::uint32_t lowest = minmax ? upper_bound(keys, n, keys[0]) : 0;
  const std::uint32_t highest = minmax ? n - lower_bound(keys, n, keys[n - 1]) : 0;
  walk.scale = average_scale(n, normalize, lowest, highest);
  return walk;
}

// take(place, rank) may overwrite the key of that place.
template <typename Take>
INFONET_HD void average_walk(const std::uint32_t* keys, AverageWalk walk, std::uint32_t begin,
                             std::uint32_t end, const Take& take) {
  std::uint32_t i = begin;
  while (i < end) {
    const std::uint32_t key = keys[i];
    std::uint32_t last = i + 1;
    while (last < end && keys[last] == key) ++last;
    const std::uint32_t run_end = last == end ? walk.last_end : last;
    const float rank = walk.scale.rank<float>(walk.first, run_end);
    for (; i < last; ++i) take(i, rank);
    walk.first = last;
  }
}

// A pooled row. `Index` numbers places.
template <typename Index>
struct PooledBlocks {
  const Tile& row;      // one tile with all keys of the row
  const Index* starts;  // [count]
  std::uint32_t count;

  INFONET_HD double value(std::uint32_t place) const {
    return row.range.scaled(key_value(row.keys[place]));
  }
  INFONET_HD std::uint32_t end_of(std::uint32_t block) const {
    return block + 1 < count ? starts[block + 1] : row.size;
  }
  INFONET_HD Fit fit(std::uint32_t block) const {
    const std::uint32_t begin = starts[block], end = end_of(block);
    const std::uint32_t size = end - begin;
    const Wide* const sums = row.sums + begin;
    const double excess =
        size == 1 ? 0.0 : block_excess(sums[0], sums[1], sums[size], size, row.fixed);
    return {value(begin), block_offset(begin, size, excess)};
  }
  INFONET_HD double rank(std::uint32_t block, std::uint32_t place) const {
    return fit(block).rank(value(place), row.fixed.eps);
  }
  INFONET_HD std::uint32_t block_of(std::uint32_t place) const {
    std::uint32_t low = 0, high = count;
    while (high - low > 1) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (starts[middle] <= place) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
};

template <typename Index>
INFONET_HD SoftWalk soft_start(const PooledBlocks<Index>& pooled, std::uint32_t begin) {
  const std::uint32_t block = pooled.block_of(begin);
  return {pooled.fit(block), block};
}

// take(place, rank) may overwrite the key of that place.
template <typename Index, typename Take>
INFONET_HD void soft_walk(const PooledBlocks<Index>& pooled, const Normalizer& normal,
                          SoftWalk walk, std::uint32_t begin, std::uint32_t end, const Take& take) {
  std::uint32_t last = pooled.end_of(walk.block);
  INFONET_NO_UNROLL
  for (std::uint32_t i = begin; i < end; ++i) {
    if (i == last) {
      last = pooled.end_of(++walk.block);
      walk.fit = pooled.fit(walk.block);
    }
    const double rank = walk.fit.rank(pooled.value(i), pooled.row.fixed.eps);
    take(i, static_cast<float>(normal(rank)));
  }
}

}  // namespace infonet
