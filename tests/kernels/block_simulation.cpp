// The algorithms of the CUDA kernels on the CPU, for ctypes. See test_block_algorithms.py.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "affine.hpp"
#include "block_row.hpp"
#include "long_row.hpp"
#include "simulated_block.hpp"
#include "splat.hpp"

using namespace infonet;
using infonet::test::Order;
using infonet::test::SimulatedTeam;

namespace {

// As aligned as shared memory, filled with a pattern that no algorithm may rely on.
std::vector<Run> shared_memory(std::size_t bytes) {
  const Wide junk{0xdeadbeefdeadbeefu, -0x1234567};
  return std::vector<Run>(bytes / sizeof(Run) + 1, Run{junk, junk});
}

}  // namespace

// rank_row of rows of n values by `threads` threads, a multiple of 32; returns the number of rows
// that were refused.
extern "C" int simulate_soft_rank(const float* values, std::int64_t rows, std::int64_t n,
                                  double eps, int normalize, int threads, int order, float* ranks) {
  int refused = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    auto memory = shared_memory(row_memory_bytes(threads));
    std::vector<Wide> sums(static_cast<std::size_t>(n) + 1, Wide{0xdeadbeefu, -77});
    SimulatedTeam team(threads, static_cast<Order>(order));
    const auto rank = eps > 0 ? rank_row<true, SimulatedTeam> : rank_row<false, SimulatedTeam>;
    refused += !rank(team, row_memory(reinterpret_cast<unsigned char*>(memory.data()), threads),
                     values + row * n, static_cast<std::uint32_t>(n),
                     RankOptions{eps, static_cast<InfonetNormalize>(normalize)}, sums.data(),
                     ranks + row * n);
  }
  return refused;
}

namespace {

// The launches of cuda/long_rows.cu, for one row.
template <bool kSoft>
bool rank_long_row(const float* values, std::uint32_t n, const RankOptions& options, Order order,
                   float* ranks) {
  const std::uint32_t tiles = tiles_of(n);
  std::vector<std::uint32_t> numbers(6 * std::size_t{n} + (2 + kTileThreads) * tiles, 0xabababab);
  std::vector<Wide> sums(std::size_t{n} + 1, Wide{0xdeadbeefu, -77});
  std::vector<Bridge> bridges(tiles);
  std::vector<Run> runs(tiles);
  std::uint32_t* next = numbers.data();
  const auto take = [&](std::size_t count) { return (next += count) - count; };
  LongRow row{};
  row.values = values;
  row.n = n;
  for (int k = 0; k < 2; ++k) {
    row.keys[k] = take(n);
    row.index[k] = take(n);
    row.starts[k] = take(n);
    row.counts[k] = take(tiles);
  }
  row.threads = take(std::size_t{tiles} * kTileThreads);
  row.sums = sums.data();
  row.bridges = bridges.data();
  row.runs = runs.data();
  const auto all_tiles = [&](const auto& work) {
    for (std::uint32_t i = 0; i < tiles; ++i) {
      SimulatedTeam team(kTileThreads, order);
      work(team, order == Order::kForward ? i : tiles - 1 - i);
    }
  };
  auto tile_memory = std::make_unique<TileMemory>();
  auto pool_memory = std::make_unique<PoolMemory>();
  int sorted = 0, pooled = 0;
  all_tiles([&](auto& team, std::uint32_t tile) { sort_tile(team, row, tile, *tile_memory); });
  for (std::uint32_t width = 1; width < tiles; width *= 2, sorted = 1 - sorted) {
    all_tiles([&](auto& team, std::uint32_t tile) {
      merge_tile(team, row, width * kTileSize, sorted, tile, *tile_memory);
    });
  }
  const std::uint32_t* const keys = row.keys[sorted];
  if (kSoft && is_ranked(keys, n, true)) {
    all_tiles([&](auto& team, std::uint32_t tile) {
      measure_tile(team, row, keys, options.eps, tile, *pool_memory);
    });
    SimulatedTeam team(kTileThreads, order);
    scan_tiles(team, row, keys, *pool_memory);
    all_tiles([&](auto& block, std::uint32_t tile) {
      hull_tile(block, row, keys, options.eps, tile, *pool_memory);
    });
    all_tiles([&](auto& block, std::uint32_t tile) {
      join_tile(block, row, keys, options.eps, tile, *pool_memory);
    });
    for (std::uint32_t width = 1; width < tiles; width *= 2, pooled = 1 - pooled) {
      for (std::uint32_t left = 0; left < tiles; left += 2 * width) {
        bridge_tiles(row, width, pooled, left);
      }
      all_tiles(
          [&](auto& block, std::uint32_t tile) { move_tile(block, row, width, pooled, tile); });
    }
  }
  bool allowed = true;
  all_tiles([&](auto& team, std::uint32_t tile) {
    allowed &= rank_tile<kSoft>(team, row, options, sorted, pooled, tile, *pool_memory, ranks);
  });
  return allowed;
}

}  // namespace

// The same in tiles.
extern "C" int simulate_long_soft_rank(const float* values, std::int64_t rows, std::int64_t n,
                                       double eps, int normalize, int order, float* ranks) {
  int refused = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto rank = eps > 0 ? rank_long_row<true> : rank_long_row<false>;
    refused += !rank(values + row * n, static_cast<std::uint32_t>(n),
                     RankOptions{eps, static_cast<InfonetNormalize>(normalize)},
                     static_cast<Order>(order), ranks + row * n);
  }
  return refused;
}

// Soft ranks without a sort, in segments of `segment` values.
extern "C" int simulate_affine(const float* values, std::int64_t rows, std::int64_t n, double eps,
                               int normalize, std::int64_t segment, float* ranks) {
  int refused = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const from = values + row * n;
    Extent all{0.0, 0xffffffffu, 0};
    for (std::int64_t begin = 0; begin < n; begin += segment) {
      Extent part{0.0, 0xffffffffu, 0};
      for (std::int64_t i = begin; i < std::min(begin + segment, n); ++i) {
        part = joined(part, extent_of(from[i], from[0]));
      }
      all = joined(all, part);
    }
    bool allowed = true;
    const Affine affine =
        affine_of(all, from[0], static_cast<std::uint32_t>(n),
                  RankOptions{eps, static_cast<InfonetNormalize>(normalize)}, allowed);
    for (std::int64_t i = 0; i < n; ++i) ranks[row * n + i] = affine(from[i]);
    refused += !allowed;
  }
  return refused;
}

// The histogram of one row; ranks are known to be in [0, 1].
extern "C" void simulate_histogram(const float* x, const float* y, std::int64_t n,
                                   std::int64_t grid, float* histogram) {
  const std::uint32_t side = static_cast<std::uint32_t>(grid);
  std::vector<std::uint64_t> cells(static_cast<std::size_t>(grid * grid), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    splat(locate(x[i], side), locate(y[i], side), side,
          [&](std::uint32_t cell, std::uint32_t weight) { cells[cell] += weight; });
  }
  for (std::size_t i = 0; i < cells.size(); ++i) histogram[i] = points(cells[i]);
}

// How many values a thread holds, and how many a tile.
extern "C" int items_per_thread() { return kItems; }
extern "C" int tile_size() { return static_cast<int>(kTileSize); }
