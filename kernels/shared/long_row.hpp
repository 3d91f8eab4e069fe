// Rows too long for the shared memory of one block: sorted in tiles that are merged, then pooled in
// tiles whose hulls are joined. Each function is what one block does; between two of them all
// blocks of a row are done.
#pragma once

#include "block_row.hpp"

namespace infonet {

constexpr int kTileThreads = 192;
constexpr std::uint32_t kTileSize = kTileThreads * kItems;

INFONET_HD std::uint32_t tiles_of(std::uint32_t n) { return (n + kTileSize - 1) / kTileSize; }

// One row in device memory.
struct LongRow {
  const float* values;  // [n], `stride` apart
  std::uint32_t n, stride;
  std::uint32_t* keys[2];    // [n] each: merges go back and forth
  std::uint32_t* index[2];   // [n]
  Wide* sums;                // [n + 1]
  std::uint32_t* starts[2];  // [n] the hull that begins with a tile is at the tile's place
  std::uint32_t* threads;    // [tiles, kTileThreads] vertices of each thread's hull
  std::uint32_t* counts[2];  // [tiles] vertices of the hull that begins with a tile
  Bridge* bridges;           // [tiles]
  Run* runs;                 // [tiles]
};

struct TileMemory {
  std::uint32_t keys[kTileSize];
  std::uint32_t index[kTileSize];
};
struct PoolMemory {
  std::uint16_t starts[kTileSize];
  Run runs[kTileThreads];
  std::uint32_t counts[kTileThreads], kept[kTileThreads], dropped[kTileThreads];
  double extremes[2];
};

INFONET_HD std::uint32_t tile_end(std::uint32_t tile, std::uint32_t n) {
  return n - tile * kTileSize < kTileSize ? n : (tile + 1) * kTileSize;
}

// each(i) for the places of a tile, side by side.
template <typename Each>
INFONET_HD void tile_places(std::uint32_t size, int thread, const Each& each) {
  for (std::uint32_t i = static_cast<std::uint32_t>(thread); i < size; i += kTileThreads) each(i);
}

template <typename Team>
INFONET_HD void sort_tile(Team& team, const LongRow& row, std::uint32_t tile, TileMemory& memory) {
  const std::uint32_t begin = tile * kTileSize, size = tile_end(tile, row.n) - begin;
  team.each([&](int thread, Registers&) {
    load_keys(row.values + strided(begin, row.stride), size, row.stride, thread, kTileThreads,
              memory.keys);
  });
  block_sort(team, memory.keys, memory.index);
  team.each([&](int thread, Registers&) {
    tile_places(size, thread, [&](std::uint32_t i) {
      row.keys[0][begin + i] = memory.keys[i];
      row.index[0][begin + i] = memory.index[i] + begin;
    });
  });
}

// One tile of the merges of neighbouring runs of `run` values, from buffer `from` to the other.
template <typename Team>
INFONET_HD void merge_tile(Team& team, const LongRow& row, std::uint32_t run, int from,
                           std::uint32_t tile, TileMemory& memory) {
  const std::uint32_t n = row.n, out = tile * kTileSize, size = tile_end(tile, n) - out;
  const std::uint32_t begin = tile / (2 * (run / kTileSize)) * (2 * (run / kTileSize)) * kTileSize;
  const std::uint32_t middle = n - begin < run ? n : begin + run;
  const std::uint32_t end = n - middle < run ? n : middle + run;
  const std::uint32_t* const keys = row.keys[from];
  const auto split = [&](std::uint32_t diagonal) {
    return merge_split(keys + begin, middle - begin, keys + middle, end - middle, diagonal);
  };
  team.each([&](int thread, Registers&) {
    if (thread < 2) memory.index[thread] = split(out - begin + (thread == 0 ? 0 : size));
  });
  const std::uint32_t first = memory.index[0], last = memory.index[1];
  team.each([&](int, Registers&) {});  // all have read them
  const std::uint32_t of_left = last - first;
  const std::uint32_t left = begin + first, right = middle + (out - begin - first) - of_left;
  team.each([&](int thread, Registers&) {
    tile_places(size, thread, [&](std::uint32_t i) {
      const std::uint32_t at = (i < of_left ? left : right) + i;
      memory.keys[i] = keys[at];
      memory.index[i] = row.index[from][at];
    });
  });
  team.each([&](int thread, Registers& r) {
    const std::uint32_t diagonal = items_begin(thread, size);
    const std::uint32_t part = merge_split(static_cast<const std::uint32_t*>(memory.keys), of_left,
                                           static_cast<const std::uint32_t*>(memory.keys + of_left),
                                           size - of_left, diagonal);
    merge_items(memory.keys, memory.index, part, of_left, of_left + diagonal - part, size, r);
  });
  team.each([&](int thread, Registers& r) { write_items(memory.keys, memory.index, thread, r); });
  team.each([&](int thread, Registers&) {
    tile_places(size, thread, [&](std::uint32_t i) {
      row.keys[1 - from][out + i] = memory.keys[i];
      row.index[1 - from][out + i] = memory.index[i];
    });
  });
}

// Whether there is anything to rank: no NaN, not all values equal.
INFONET_HD bool is_ranked(const std::uint32_t* keys, std::uint32_t n, bool soft) {
  return is_allowed(keys[0], soft) && is_allowed(keys[n - 1], soft) && keys[0] != keys[n - 1];
}

INFONET_HD Tile long_tile(const LongRow& row, const std::uint32_t* keys, double eps,
                          std::uint32_t begin, std::uint32_t size) {
  return {
      keys + begin, size, begin, range_of_keys(keys[0], keys[row.n - 1]), fixed_point(row.n, eps),
      row.sums};
}

INFONET_HD Tile long_tile(const LongRow& row, const std::uint32_t* keys, double eps,
                          std::uint32_t tile) {
  const std::uint32_t begin = tile * kTileSize;
  return long_tile(row, keys, eps, begin, tile_end(tile, row.n) - begin);
}

// The run of a tile.
template <typename Team>
INFONET_HD void measure_tile(Team& team, const LongRow& row, const std::uint32_t* keys, double eps,
                             std::uint32_t tile, PoolMemory& memory) {
  if (!is_ranked(keys, row.n, true)) return;
  scan_tile(team, long_tile(row, keys, eps, tile), memory.runs);
  team.each([&](int thread, Registers&) {
    if (thread == kTileThreads - 1) row.runs[tile] = memory.runs[thread];
  });
}

// row.runs[t] becomes the run of all tiles before t. One block a row.
template <typename Team>
INFONET_HD void scan_tiles(Team& team, const LongRow& row, const std::uint32_t* keys,
                           PoolMemory& memory) {
  if (!is_ranked(keys, row.n, true)) return;
  const std::uint32_t tiles = tiles_of(row.n);
  const std::uint32_t group = (tiles + kTileThreads - 1) / kTileThreads;
  const auto first_tile = [&](int thread) {
    return smaller(static_cast<std::uint32_t>(thread) * group, tiles);
  };
  const auto length = [&](int first, int last) {
    const std::uint32_t end = first_tile(last);
    return (end == tiles ? row.n : end * kTileSize) - smaller(first_tile(first) * kTileSize, row.n);
  };
  team.each([&](int thread, Registers& r) {
    r.run = {wide(0), wide(0)};
    for (std::uint32_t tile = first_tile(thread); tile < first_tile(thread + 1); ++tile) {
      r.run = joined(r.run, row.runs[tile], tile_end(tile, row.n) - tile * kTileSize);
    }
  });
  scan_runs(team, memory.runs, length);
  team.each([&](int thread, Registers&) {
    Run before = thread == 0 ? Run{wide(0), wide(0)} : memory.runs[thread - 1];
    for (std::uint32_t tile = first_tile(thread); tile < first_tile(thread + 1); ++tile) {
      const Run own = row.runs[tile];
      row.runs[tile] = before;
      before = joined(before, own, tile_end(tile, row.n) - tile * kTileSize);
    }
    if (thread == kTileThreads - 1) row.sums[row.n] = memory.runs[thread].sum;
  });
}

// The sums of a tile and the hull of each thread's values.
template <typename Team>
INFONET_HD void hull_tile(Team& team, const LongRow& row, const std::uint32_t* keys, double eps,
                          std::uint32_t tile, PoolMemory& memory) {
  if (!is_ranked(keys, row.n, true)) return;
  const Tile part = long_tile(row, keys, eps, tile);
  scan_tile(team, part, memory.runs);
  team.each([&](int thread, Registers&) {
    Run before = row.runs[tile];
    if (thread > 0) {
      before = joined(before, memory.runs[thread - 1], items_begin(thread, part.size));
    }
    row.threads[tile * kTileThreads + static_cast<std::uint32_t>(thread)] =
        thread_hull(part, thread, before, row.starts[0] + part.begin + kItems * thread);
  });
}

// The hull of a tile, at row.starts[0], in places of the row.
template <typename Team>
INFONET_HD void join_tile(Team& team, const LongRow& row, const std::uint32_t* keys, double eps,
                          std::uint32_t tile, PoolMemory& memory) {
  if (!is_ranked(keys, row.n, true)) return;
  const Tile part = long_tile(row, keys, eps, tile);
  std::uint32_t* const starts = row.starts[0] + part.begin;
  team.each([&](int thread, Registers&) {
    const std::uint32_t count =
        row.threads[tile * kTileThreads + static_cast<std::uint32_t>(thread)];
    memory.counts[thread] = count;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t at = static_cast<std::uint32_t>(thread) * kItems + i;
      memory.starts[at] = static_cast<std::uint16_t>(starts[at]);
    }
  });
  join_hulls(team, part, memory.starts, HullScratch{memory.counts, memory.kept, memory.dropped});
  team.each([&](int thread, Registers&) {
    tile_places(memory.counts[0], thread,
                [&](std::uint32_t i) { starts[i] = memory.starts[i] + part.begin; });
    if (thread == 0) row.counts[0][tile] = memory.counts[0];
  });
}

// The bridge from the hull of `width` tiles from `left` on, even among such, to its neighbour.
INFONET_HD void bridge_tiles(const LongRow& row, std::uint32_t width, int from,
                             std::uint32_t left) {
  const std::uint32_t tiles = tiles_of(row.n), right = left + width;
  if (right >= tiles) {
    row.bridges[left] = {row.counts[from][left], 0};
    return;
  }
  const std::uint32_t end = tiles - right <= width ? row.n : (right + width) * kTileSize;
  const BridgeSearch<std::uint32_t> search{
      {row.starts[from] + left * kTileSize, row.counts[from][left]},
      {row.starts[from] + right * kTileSize, row.counts[from][right]},
      end,
      0,
      row.sums};
  row.bridges[left] = search.find();
}

// A tile's part of the joint hull, from buffer `from` to the other.
template <typename Team>
INFONET_HD void move_tile(Team& team, const LongRow& row, std::uint32_t width, int from,
                          std::uint32_t tile) {
  const std::uint32_t left = tile / (2 * width) * (2 * width), right = left + width;
  const Bridge bridge = row.bridges[left];
  const bool joined_here = right < tiles_of(row.n);
  const std::uint32_t moved = joined_here ? row.counts[from][right] - bridge.dropped : 0;
  const std::uint32_t* const lefts = row.starts[from] + left * kTileSize;
  const std::uint32_t* const rights = row.starts[from] + right * kTileSize + bridge.dropped;
  const std::uint32_t begin = (tile - left) * kTileSize, total = bridge.kept + moved;
  team.each([&](int thread, Registers&) {
    if (thread == 0 && tile == left) row.counts[1 - from][left] = total;
    if (begin >= total) return;
    tile_places(smaller(kTileSize, total - begin), thread, [&](std::uint32_t i) {
      const std::uint32_t at = begin + i;
      row.starts[1 - from][left * kTileSize + at] =
          at < bridge.kept ? lefts[at] : rights[at - bridge.kept];
    });
  });
}

// The ranks of a tile's places; false for a row that is refused. `sorted` and `pooled` are the
// buffers that sorting and joining ended in; ranks lie as the values.
template <bool kSoft, typename Team>
INFONET_HD bool rank_tile(Team& team, const LongRow& row, const RankOptions& options, int sorted,
                          int pooled, std::uint32_t tile, PoolMemory& memory, float* ranks) {
  const std::uint32_t* const keys = row.keys[sorted];
  const std::uint32_t n = row.n, from = tile * kTileSize, size = tile_end(tile, n) - from;
  const bool allowed = is_allowed(keys[0], kSoft) && is_allowed(keys[n - 1], kSoft);
  const auto take = [&](std::uint32_t i, float rank) {
    ranks[strided(row.index[sorted][i], row.stride)] = rank;
  };
  if (!is_ranked(keys, n, kSoft)) {
    const float rank =
        allowed ? static_cast<float>(constant_rank(n, options.normalize)) : float_of(0x7fc00000u);
    team.each([&](int thread, Registers&) {
      tile_places(size, thread, [&](std::uint32_t i) { take(from + i, rank); });
    });
    return allowed;
  }
  if constexpr (kSoft) {
    const Tile whole = long_tile(row, keys, options.eps, 0, n);
    const PooledBlocks<std::uint32_t> blocks{whole, row.starts[pooled], row.counts[pooled][0]};
    team.each([&](int thread, Registers&) {
      const bool least = thread == 0;
      if (!least && thread != kTileThreads - 1) return;
      memory.extremes[least ? 0 : 1] = blocks.rank(least ? 0 : blocks.count - 1, least ? 0 : n - 1);
    });
    team.each([&](int thread, Registers&) {
      const std::uint32_t begin = from + items_begin(thread, size);
      const std::uint32_t end = from + items_begin(thread + 1, size);
      if (begin == end) return;
      const Normalizer normal =
          normalizer(options.normalize, n, memory.extremes[0], memory.extremes[1]);
      soft_walk(blocks, normal, soft_start(blocks, begin), begin, end, take);
    });
  } else {
    team.each([&](int thread, Registers&) {
      const std::uint32_t begin = from + items_begin(thread, size);
      const std::uint32_t end = from + items_begin(thread + 1, size);
      if (begin == end) return;
      const AverageWalk walk = average_start(keys, n, options.normalize, begin, end);
      average_walk(keys, walk, begin, end, take);
    });
  }
  return true;
}

}  // namespace infonet
