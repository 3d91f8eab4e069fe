// The gradient of soft ranks by the values, of a row that was sorted and pooled in tiles. Each
// function is what one block does; between two of them all blocks of a row are done.
//
// In sorted order, with g the gradient by the ranks (cpu/soft_rank.cpp has the same one
// after the other): g goes back through the min-max normalisation if there is one, then in each
// pooled block it loses its mean, then it goes back through the scaling to [0, 1].
#pragma once

#include "gradient_row.hpp"

namespace infonet {

// Min-max normalisation only: a tile's part of what it adds to the gradient.
template <typename Team>
INFONET_HD void normalization_tile(Team& team, const GradientRow& at, std::uint32_t tile,
                                   GradientMemory& memory) {
  if (!is_ranked(at.keys(), at.row.n, true)) return;
  const Tile whole = whole_row(at);
  const PooledBlocks<std::uint32_t> blocks = blocks_of(at, whole);
  find_extremes(team, blocks, memory.extremes);
  team.each([&](int thread, Registers&) {
    const Places places = places_of(tile, thread, at.row.n);
    EndSums sum{0.0, 0.0, 0, 0};
    if (places.begin < places.end) {
      normalized_ranks(blocks, memory.extremes, places.begin, places.end,
                       [&](std::uint32_t i, double rank) { sum.add(at.by_rank(i), rank); });
    }
    memory.ends[thread] = sum;
  });
  join_ends(team, memory.ends);
  team.each([&](int thread, Registers&) {
    if (thread == 0) at.ends[tile] = memory.ends[0];
  });
}

// The gradient by the soft ranks into at.gradient. A thread's head is the sum over those of its
// values that are of the pooled block of its first one.
template <typename Team>
INFONET_HD void collect_tile(Team& team, const GradientRow& at, std::uint32_t tile,
                             GradientMemory& memory) {
  if (!is_ranked(at.keys(), at.row.n, true)) return;
  const bool minmax = at.options.normalize == INFONET_MINMAX;
  const Tile whole = whole_row(at);
  const PooledBlocks<std::uint32_t> blocks = blocks_of(at, whole);
  if (minmax) {
    find_extremes(team, blocks, memory.extremes);
    join_tile_ends(team, at, memory);
  }
  team.each([&](int thread, Registers&) {
    const Places places = places_of(tile, thread, at.row.n);
    double head = 0.0;
    if (places.begin < places.end) {
      const std::uint32_t end = blocks.end_of(blocks.block_of(places.begin));
      const auto take = [&](std::uint32_t i, double gradient) {
        at.gradient[i] = gradient;
        if (i < end) head += gradient;
      };
      if (minmax) {
        const double width = memory.extremes[1] - memory.extremes[0];
        const EndShares shares = shares_of(memory.ends[0]);
        normalized_ranks(blocks, memory.extremes, places.begin, places.end,
                         [&](std::uint32_t i, double rank) {
                           take(i, unscaled(at.by_rank(i), rank, shares, width));
                         });
      } else {
        INFONET_NO_UNROLL
        for (std::uint32_t i = places.begin; i < places.end; ++i) take(i, at.by_rank(i));
      }
    }
    at.heads[static_cast<std::size_t>(tile) * kTileThreads + static_cast<std::size_t>(thread)] =
        head;
    memory.sums[thread] = head;
  });
  join_parts(team, memory.sums, [](double a, double b) { return a + b; });
  team.each([&](int thread, Registers&) {
    if (thread == 0) at.tile_sums[tile] = memory.sums[0];
  });
}

// The sum of the gradient over the places from the end of a thread's to `stop`, all of one block:
// over the threads that follow in the tile, over whole tiles, over threads of the last tile.
INFONET_HD double sum_beyond(const GradientRow& at, std::uint32_t tile, int thread,
                             std::uint32_t stop) {
  const std::uint32_t n = at.row.n;
  double sum = 0.0;
  int next = thread + 1;
  INFONET_NO_UNROLL
  for (; tile * kTileSize < stop; ++tile, next = 0) {
    if (next == 0 && tile_end(tile, n) <= stop) {
      sum += at.tile_sums[tile];
      continue;
    }
    const double* const heads = at.heads + static_cast<std::size_t>(tile) * kTileThreads;
    INFONET_NO_UNROLL
    for (; next < kTileThreads && places_of(tile, next, n).begin < smaller(stop, tile_end(tile, n));
         ++next) {
      sum += heads[next];
    }
  }
  return sum;
}

// The means of the pooled blocks that begin in a tile.
template <typename Team>
INFONET_HD void average_tile(Team& team, const GradientRow& at, std::uint32_t tile) {
  if (!is_ranked(at.keys(), at.row.n, true)) return;
  const Tile whole = whole_row(at);
  const PooledBlocks<std::uint32_t> blocks = blocks_of(at, whole);
  team.each([&](int thread, Registers&) {
    const Places places = places_of(tile, thread, at.row.n);
    if (places.begin == places.end) return;
    std::uint32_t block = blocks.block_of(places.begin);
    if (blocks.starts[block] < places.begin) ++block;
    INFONET_NO_UNROLL
    for (; block < blocks.count && blocks.starts[block] < places.end; ++block) {
      const std::uint32_t begin = blocks.starts[block], end = blocks.end_of(block);
      double sum = 0.0;
      INFONET_NO_UNROLL
      for (std::uint32_t i = begin; i < smaller(end, places.end); ++i) sum += at.gradient[i];
      if (end > places.end) sum += sum_beyond(at, tile, thread, end);
      at.means()[block] = sum / static_cast<double>(end - begin);
    }
  });
}

// The gradient by the scaled values, and a tile's part of what the scaling adds to it.
template <typename Team>
INFONET_HD void center_tile(Team& team, const GradientRow& at, std::uint32_t tile,
                            GradientMemory& memory) {
  if (!is_ranked(at.keys(), at.row.n, true)) return;
  const Tile whole = whole_row(at);
  const PooledBlocks<std::uint32_t> blocks = blocks_of(at, whole);
  const double eps = at.options.eps;
  const double divisor =
      at.options.normalize == INFONET_MINMAX ? eps : eps * static_cast<double>(at.row.n);
  team.each([&](int thread, Registers&) {
    const Places places = places_of(tile, thread, at.row.n);
    EndSums sum{0.0, 0.0, 0, 0};
    std::uint32_t block = places.begin < places.end ? blocks.block_of(places.begin) : 0;
    INFONET_NO_UNROLL
    for (std::uint32_t i = places.begin; i < places.end; ++i) {
      if (i == blocks.end_of(block)) ++block;
      const double gradient = (at.gradient[i] - at.means()[block]) / divisor;
      at.gradient[i] = gradient;
      sum.add(gradient, blocks.value(i));
    }
    memory.ends[thread] = sum;
  });
  join_ends(team, memory.ends);
  team.each([&](int thread, Registers&) {
    if (thread == 0) at.ends[tile] = memory.ends[0];
  });
}

// The gradient by the values of a tile, where they lie; false for a row that is refused, whose
// gradient is NaN.
template <typename Team>
INFONET_HD bool finish_tile(Team& team, const GradientRow& at, std::uint32_t tile,
                            GradientMemory& memory, float* gradient) {
  const std::uint32_t* const keys = at.keys();
  const std::uint32_t n = at.row.n, from = tile * kTileSize, size = tile_end(tile, n) - from;
  const auto put = [&](std::uint32_t i, float value) {
    gradient[strided(at.row.index[at.sorted][i], at.row.stride)] = value;
  };
  bool allowed;
  float otherwise;
  if (!has_gradient(keys[0], keys[n - 1], allowed, otherwise)) {
    team.each([&](int thread, Registers&) {
      tile_places(size, thread, [&](std::uint32_t i) { put(from + i, otherwise); });
    });
    return allowed;
  }
  join_tile_ends(team, at, memory);
  const Range range = range_of_keys(keys[0], keys[n - 1]);
  team.each([&](int thread, Registers&) {
    const EndShares shares = shares_of(memory.ends[0]);
    tile_places(size, thread, [&](std::uint32_t i) {
      const std::uint32_t place = from + i;
      const double scaled = range.scaled(key_value(keys[place]));
      put(place, static_cast<float>(unscaled(at.gradient[place], scaled, shares, range.width)));
    });
  });
  return true;
}

}  // namespace infonet
