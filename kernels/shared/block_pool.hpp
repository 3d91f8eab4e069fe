// Pool adjacent violators by a block of threads: each finds the hull of its own values, then hulls
// next to each other are joined by bridges, two by two, in a tree.
#pragma once

#include "block.hpp"
#include "convex.hpp"
#include "keys.hpp"

namespace infonet {

// The part of a row that a block works on: all of it, or one tile of a long row.
struct Tile {
  const std::uint32_t* keys;  // ascending; keys[-1] is to be had if begin > 0
  std::uint32_t size;
  std::uint32_t begin;  // where the tile begins in the row
  Range range;
  FixedPoint fixed;
  Wide* sums;  // of z up to each place of the row, [n + 1]
};

// The run of each thread's values; steps are left in `sums`.
INFONET_HD void sum_steps(const Tile& tile, int thread, Registers& r) {
  const std::uint32_t begin = items_begin(thread, tile.size);
  const std::uint32_t end = items_begin(thread + 1, tile.size);
  r.run = {wide(0), wide(0)};
  if (begin == end) return;
  const bool first = begin + tile.begin == 0;
  double before = first ? 0.0 : tile.range.scaled(key_value(*(tile.keys + begin - 1)));
  INFONET_NO_UNROLL
  for (std::uint32_t i = begin; i < end; ++i) {
    const double value = tile.range.scaled(key_value(tile.keys[i]));
    const Wide next = wide(i + tile.begin == 0 ? 0 : step(before, value, tile.fixed));
    before = value;
    tile.sums[tile.begin + i] = next;
    r.run.steps = r.run.steps + next;
    r.run.sum = r.run.sum + r.run.steps - wide(tile.fixed.whole) * (tile.begin + i + 1);
  }
}

// runs[t] becomes the run of the values of threads 0 to t, from those in the registers; the values
// of threads [first, last) are length(first, last).
template <typename Team, typename Length>
INFONET_HD void scan_runs(Team& team, Run* runs, const Length& length) {
  team.each([&](int thread, Registers& r) { runs[thread] = r.run; });
  INFONET_NO_UNROLL
  for (int reach = 1; reach < team.threads(); reach *= 2) {
    team.each([&](int thread, Registers& r) {
      if (thread < reach) return;
      r.run = joined(runs[thread - reach], r.run, length(thread - reach + 1, thread + 1));
    });
    team.each([&](int thread, Registers& r) { runs[thread] = r.run; });
  }
}

// The same for the values of a tile, from its sorted keys.
template <typename Team>
INFONET_HD void scan_tile(Team& team, const Tile& tile, Run* runs) {
  team.each([&](int thread, Registers& r) { sum_steps(tile, thread, r); });
  scan_runs(team, runs, [&](int first, int last) {
    return items_begin(last, tile.size) - items_begin(first, tile.size);
  });
}

// The hull of a thread's values, whose vertices go to starts[0], ...; `before` is the run of all
// values of the row before them. Returns how many there are.
template <typename Index>
INFONET_HD std::uint32_t thread_hull(const Tile& tile, int thread, const Run& before,
                                     Index* starts) {
  const std::uint32_t begin = tile.begin + items_begin(thread, tile.size);
  const std::uint32_t end = tile.begin + items_begin(thread + 1, tile.size);
  Run run = before;
  Point top{begin, run.sum};  // the last vertex
  std::uint32_t used = 0;
  INFONET_NO_UNROLL
  for (std::uint32_t i = begin; i < end; ++i) {
    Point vertex{i, run.sum};
    run.steps = run.steps + tile.sums[i];
    tile.sums[i] = run.sum;
    run.sum = run.sum + run.steps - wide(tile.fixed.whole) * (i + 1);
    const Point right{i + 1, run.sum};
    while (used > 0 && violates(top, vertex, right)) {
      vertex = top;
      if (--used > 0) {
        const std::uint32_t at = tile.begin + starts[used - 1];
        top = {at, tile.sums[at]};
      }
    }
    starts[used++] = static_cast<Index>(vertex.at - tile.begin);
    top = vertex;
  }
  return used;
}

struct HullScratch {
  std::uint32_t* counts;  // [threads] vertices of the hull that begins with a thread's values
  std::uint32_t* kept;    // [threads]
  std::uint32_t* dropped;
};

// Join the hulls of all threads; each begins at starts + kItems * thread. The sums at the end of
// the tile are there. Afterwards the tile's hull is at `starts`, counts[0] vertices.
template <typename Team, typename Index>
INFONET_HD void join_hulls(Team& team, const Tile& tile, Index* starts,
                           const HullScratch& scratch) {
  INFONET_NO_UNROLL
  for (int width = 1; width < team.threads(); width *= 2) {
    team.each([&](int thread, Registers&) {
      const int right = thread + width;
      if (thread % (2 * width) != 0 || items_begin(right, tile.size) == tile.size) return;
      const BridgeSearch<Index> search{{starts + kItems * thread, scratch.counts[thread]},
                                       {starts + kItems * right, scratch.counts[right]},
                                       tile.begin + items_begin(right + width, tile.size),
                                       tile.begin,
                                       tile.sums};
      const Bridge bridge = search.find();
      scratch.kept[thread] = bridge.kept;
      scratch.dropped[thread] = bridge.dropped;
    });
    // The right hull moves up to the left one.
    const auto is_moved = [&](int left) {
      return items_begin(left + width, tile.size) < tile.size;
    };
    const auto movers = [&](int right) {
      return static_cast<std::uint32_t>(smaller(width, team.threads() - right));
    };
    team.each([&](int thread, Registers& r) {
      const int left = thread / (2 * width) * (2 * width), right = left + width;
      if (thread < right || !is_moved(left)) return;
      const std::uint32_t count = scratch.counts[right];
      std::uint32_t i = scratch.dropped[left] + static_cast<std::uint32_t>(thread - right);
      INFONET_UNROLL
      for (int k = 0; k < kItems; ++k, i += movers(right)) {
        if (i < count) r.index[k] = starts[kItems * right + i];
      }
    });
    team.each([&](int thread, Registers& r) {
      const int left = thread / (2 * width) * (2 * width), right = left + width;
      if (thread < right || !is_moved(left)) return;
      const std::uint32_t count = scratch.counts[right] - scratch.dropped[left];
      const std::uint32_t kept = scratch.kept[left];
      std::uint32_t i = static_cast<std::uint32_t>(thread - right);
      INFONET_UNROLL
      for (int k = 0; k < kItems; ++k, i += movers(right)) {
        if (i < count) starts[kItems * left + kept + i] = static_cast<Index>(r.index[k]);
      }
      if (thread == right) scratch.counts[left] = kept + count;
    });
  }
}

}  // namespace infonet
