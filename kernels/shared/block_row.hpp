// The ranks of one row by a block of threads, in shared memory from the load to the store.
#pragma once

#include "block_sort.hpp"
#include "ranks.hpp"
#include "row_layout.hpp"

namespace infonet {

// Shared memory of a block, in the order of its alignment. A place in the row is a 16-bit number.
struct RowMemory {
  std::uint16_t* starts;  // [items]; shares its place with runs
  Run* runs;              // [threads]
  std::uint32_t* keys;    // [items]; later the ranks
  HullScratch hulls;
  std::uint16_t* index;  // [items]
  // What is the same for all threads, so as not to fill the registers of each.
  Tile* tile;
  double* extremes;  // [2] the least and the largest soft rank
};

INFONET_HD std::uint32_t row_memory_bytes(int threads) {
  return static_cast<std::uint32_t>(threads) * ((2 + 4 + 2) * kItems + 3 * 4) + sizeof(Tile) +
         2 * sizeof(double);
}

// `threads` is a multiple of 32.
INFONET_HD RowMemory row_memory(unsigned char* memory, int threads) {
  const std::uint32_t items = static_cast<std::uint32_t>(threads) * kItems;
  RowMemory row;
  row.starts = reinterpret_cast<std::uint16_t*>(memory);
  row.runs = reinterpret_cast<Run*>(memory);
  row.keys = reinterpret_cast<std::uint32_t*>(memory + 2 * items);
  row.hulls.counts = row.keys + items;
  row.hulls.kept = row.hulls.counts + threads;
  row.hulls.dropped = row.hulls.kept + threads;
  row.index = reinterpret_cast<std::uint16_t*>(row.hulls.dropped + threads);
  row.tile = reinterpret_cast<Tile*>(row.index + items);
  row.extremes = reinterpret_cast<double*>(row.tile + 1);
  return row;
}
static_assert(sizeof(Run) <= 2 * kItems, "runs share the place of starts");

struct alignas(16) Four {
  float value[4];
};

// How many values of a row come before the first address that 16 divides.
INFONET_HD std::uint32_t unaligned_head(const float* values, std::uint32_t n) {
  return smaller(static_cast<std::uint32_t>(-(reinterpret_cast<std::uintptr_t>(values) >> 2) & 3),
                 n);
}

// each_of(i) for the values outside, each_four(i) for those inside of aligned groups of four.
template <typename EachOf, typename EachFour>
INFONET_HD void in_fours(const float* values, std::uint32_t n, int thread, int threads,
                         const EachOf& each_of, const EachFour& each_four) {
  const std::uint32_t head = unaligned_head(values, n), fours = (n - head) / 4;
  const std::uint32_t at = static_cast<std::uint32_t>(thread);
  const std::uint32_t count = static_cast<std::uint32_t>(threads);
  if (at < head) each_of(at);
  INFONET_UNROLL_BY_FOUR
  for (std::uint32_t i = at; i < fours; i += count) each_four(head + 4 * i);
  if (head + 4 * fours + at < n) each_of(head + 4 * fours + at);
}

// each(i) for the places of a row, side by side.
template <typename Each>
INFONET_HD void each_of_row(std::uint32_t n, int thread, int threads, const Each& each) {
  INFONET_UNROLL_BY_FOUR
  for (std::uint32_t i = static_cast<std::uint32_t>(thread); i < n;
       i += static_cast<std::uint32_t>(threads)) {
    each(i);
  }
}

// The keys of n values that lie `stride` apart; up to kItems * threads keys follow that are larger.
INFONET_HD void load_keys(const float* values, std::uint32_t n, std::uint32_t stride, int thread,
                          int threads, std::uint32_t* keys) {
  if (stride == 1) {
    in_fours(
        values, n, thread, threads, [&](std::uint32_t i) { keys[i] = ordered_key(values[i]); },
        [&](std::uint32_t i) {
          const Four four = *reinterpret_cast<const Four*>(values + i);
          INFONET_UNROLL
          for (int k = 0; k < 4; ++k) keys[i + k] = ordered_key(four.value[k]);
        });
  } else {
    each_of_row(n, thread, threads,
                [&](std::uint32_t i) { keys[i] = ordered_key(values[strided(i, stride)]); });
  }
  const std::uint32_t size = static_cast<std::uint32_t>(threads) * kItems;
  for (std::uint32_t i = n + static_cast<std::uint32_t>(thread); i < size;
       i += static_cast<std::uint32_t>(threads)) {
    keys[i] = 0xffffffffu;
  }
}

// source(i) gives the float of place i.
template <typename Source>
INFONET_HD void store_row(float* ranks, std::uint32_t n, std::uint32_t stride, int thread,
                          int threads, const Source& source) {
  if (stride == 1) {
    in_fours(
        ranks, n, thread, threads, [&](std::uint32_t i) { ranks[i] = source(i); },
        [&](std::uint32_t i) {
          *reinterpret_cast<Four*>(ranks + i) =
              Four{{source(i), source(i + 1), source(i + 2), source(i + 3)}};
        });
  } else {
    each_of_row(n, thread, threads,
                [&](std::uint32_t i) { ranks[strided(i, stride)] = source(i); });
  }
}

// Hull vertices of the keys of a row into memory.starts; returns how many.
template <typename Team>
INFONET_HD std::uint32_t pool_row(Team& team, const Tile& tile, const RowMemory& memory) {
  scan_tile(team, tile, memory.runs);
  team.each([&](int thread, Registers& r) {
    r.run = thread == 0 ? Run{wide(0), wide(0)} : memory.runs[thread - 1];
    if (thread == team.threads() - 1) tile.sums[tile.size] = memory.runs[thread].sum;
  });
  team.each([&](int thread, Registers& r) {
    memory.hulls.counts[thread] = thread_hull(tile, thread, r.run, memory.starts + kItems * thread);
  });
  join_hulls(team, tile, memory.starts, memory.hulls);
  return memory.hulls.counts[0];
}

// Rank one row of n values `stride` apart, at most kItems * threads, below 2^16. kSoft: eps > 0,
// and n eps < 2; then `sums` [n + 1] is working memory. A row with NaN (for eps > 0: or an
// infinity) becomes NaN, and false is returned.
template <bool kSoft, typename Team>
INFONET_HD bool rank_row(Team& team, const RowMemory& memory, const float* values, std::uint32_t n,
                         std::uint32_t stride, const RankOptions& options, Wide* sums,
                         float* ranks) {
  const int threads = team.threads();
  team.each(
      [&](int thread, Registers&) { load_keys(values, n, stride, thread, threads, memory.keys); });
  block_sort(team, memory.keys, memory.index);
  const std::uint32_t lowest = memory.keys[0], highest = memory.keys[n - 1];
  const bool allowed = is_allowed(lowest, kSoft) && is_allowed(highest, kSoft);
  if (!allowed || lowest == highest) {
    const float rank =
        allowed ? static_cast<float>(constant_rank(n, options.normalize)) : float_of(0x7fc00000u);
    team.each([&](int thread, Registers&) {
      store_row(ranks, n, stride, thread, threads, [=](std::uint32_t) { return rank; });
    });
    return allowed;
  }
  if constexpr (kSoft) {
    const Tile& tile = *memory.tile;
    team.each([&](int thread, Registers&) {
      if (thread > 0) return;
      *memory.tile = {
          memory.keys, n, 0, range_of_keys(lowest, highest), fixed_point(n, options.eps), sums};
    });
    const std::uint32_t count = pool_row(team, tile, memory);
    const PooledBlocks<std::uint16_t> pooled{tile, memory.starts, count};
    team.each([&](int thread, Registers&) {
      const bool least = thread == 0;
      if (!least && thread != threads - 1) return;
      memory.extremes[least ? 0 : 1] = pooled.rank(least ? 0 : count - 1, least ? 0 : n - 1);
    });
    team.each([&](int thread, Registers& r) {
      const std::uint32_t begin = items_begin(thread, n);
      if (begin < n) r.soft = soft_start(pooled, begin);
    });
    team.each([&](int thread, Registers& r) {
      const Normalizer normal =
          normalizer(options.normalize, n, memory.extremes[0], memory.extremes[1]);
      soft_walk(pooled, normal, r.soft, items_begin(thread, n), items_begin(thread + 1, n),
                [&](std::uint32_t i, float rank) { memory.keys[i] = bits_of(rank); });
    });
  } else {
    team.each([&](int thread, Registers& r) {
      const std::uint32_t begin = items_begin(thread, n), end = items_begin(thread + 1, n);
      if (begin < end) r.average = average_start(memory.keys, n, options.normalize, begin, end);
    });
    team.each([&](int thread, Registers& r) {
      average_walk(memory.keys, r.average, items_begin(thread, n), items_begin(thread + 1, n),
                   [&](std::uint32_t i, float rank) { memory.keys[i] = bits_of(rank); });
    });
  }
  // Back to the order of the row.
  team.each([&](int thread, Registers& r) {
    INFONET_UNROLL
    for (int k = 0; k < kItems; ++k) {
      r.key[k] = memory.keys[k * threads + thread];
      r.index[k] = memory.index[k * threads + thread];
    }
  });
  team.each([&](int thread, Registers& r) {
    INFONET_UNROLL
    for (int k = 0; k < kItems; ++k) memory.keys[r.index[k]] = r.key[k];
    (void)thread;
  });
  team.each([&](int thread, Registers&) {
    store_row(ranks, n, stride, thread, threads,
              [&](std::uint32_t i) { return float_of(memory.keys[i]); });
  });
  return true;
}

}  // namespace infonet
