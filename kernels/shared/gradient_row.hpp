// What the passes of long_row_gradient.hpp share: a row, its pooled blocks, sums over a block of
// threads.
#pragma once

#include "affine_gradient.hpp"
#include "long_row.hpp"

namespace infonet {

struct GradientRow {
  LongRow row;          // sorted and pooled
  const float* by;      // as the values lie
  double* gradient;     // [n] in sorted order
  double* heads;        // [tiles, kTileThreads] of each thread's values: see collect_tile
  double* tile_sums;    // [tiles] the sum of the tile's heads
  EndSums* ends;        // [tiles]
  int sorted, pooled;   // the buffers that sorting and joining ended in
  RankOptions options;  // eps > 0

  INFONET_HD const std::uint32_t* keys() const { return row.keys[sorted]; }
  INFONET_HD double by_rank(std::uint32_t place) const {
    return static_cast<double>(by[strided(row.index[sorted][place], row.stride)]);
  }
  // The mean of each pooled block, where the sums of z were: nothing asks for those any more.
  INFONET_HD double* means() const { return reinterpret_cast<double*>(row.sums); }
};

struct GradientMemory {
  EndSums ends[kTileThreads];
  double sums[kTileThreads];
  double extremes[2];
};

// parts[0] becomes the sum of all.
template <typename Team, typename Part, typename Join>
INFONET_HD void join_parts(Team& team, Part* parts, const Join& join) {
  INFONET_NO_UNROLL
  for (int reach = 1; reach < team.threads(); reach *= 2) {
    team.each([&](int thread, Registers&) {
      if (thread % (2 * reach) != 0 || thread + reach >= team.threads()) return;
      parts[thread] = join(parts[thread], parts[thread + reach]);
    });
  }
}

template <typename Team>
INFONET_HD void join_ends(Team& team, EndSums* ends) {
  join_parts(team, ends, [](const EndSums& a, const EndSums& b) { return joined(a, b); });
}

// memory.ends[0] becomes the sum over all tiles.
template <typename Team>
INFONET_HD void join_tile_ends(Team& team, const GradientRow& at, GradientMemory& memory) {
  team.each([&](int thread, Registers&) {
    EndSums sum{0.0, 0.0, 0, 0};
    tile_places(tiles_of(at.row.n), thread,
                [&](std::uint32_t tile) { sum = joined(sum, at.ends[tile]); });
    memory.ends[thread] = sum;
  });
  join_ends(team, memory.ends);
}

// The min-max normalised ranks of places [begin, end): take(place, rank).
template <typename Take>
INFONET_HD void normalized_ranks(const PooledBlocks<std::uint32_t>& blocks, const double* extremes,
                                 std::uint32_t begin, std::uint32_t end, const Take& take) {
  SoftWalk walk = soft_start(blocks, begin);
  std::uint32_t last = blocks.end_of(walk.block);
  const double width = extremes[1] - extremes[0];
  INFONET_NO_UNROLL
  for (std::uint32_t i = begin; i < end; ++i) {
    if (i == last) {
      last = blocks.end_of(++walk.block);
      walk.fit = blocks.fit(walk.block);
    }
    take(i, (walk.fit.rank(blocks.value(i), blocks.row.fixed.eps) - extremes[0]) / width);
  }
}

template <typename Team>
INFONET_HD void find_extremes(Team& team, const PooledBlocks<std::uint32_t>& blocks,
                              double* extremes) {
  team.each([&](int thread, Registers&) {
    const bool least = thread == 0;
    if (!least && thread != kTileThreads - 1) return;
    extremes[least ? 0 : 1] =
        blocks.rank(least ? 0 : blocks.count - 1, least ? 0 : blocks.row.size - 1);
  });
}

INFONET_HD Tile whole_row(const GradientRow& at) {
  return long_tile(at.row, at.keys(), at.options.eps, 0, at.row.n);
}
INFONET_HD PooledBlocks<std::uint32_t> blocks_of(const GradientRow& at, const Tile& whole) {
  return {whole, at.row.starts[at.pooled], at.row.counts[at.pooled][0]};
}

struct Places {
  std::uint32_t begin, end;
};
INFONET_HD Places places_of(std::uint32_t tile, int thread, std::uint32_t n) {
  const std::uint32_t from = tile * kTileSize, size = tile_end(tile, n) - from;
  return {from + items_begin(thread, size), from + items_begin(thread + 1, size)};
}

}  // namespace infonet
