// The algorithms of the CUDA kernels on the CPU, for ctypes. See test_block_algorithms.py.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "affine.hpp"
#include "affine_gradient.hpp"
#include "block_row.hpp"
#include "long_row_gradient.hpp"
#include "row_batch.hpp"
#include "segments.hpp"
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

RowLayout layout_of(std::int64_t n, std::int64_t columns) {
  return {static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(columns)};
}

}  // namespace

// rank_row of rows of n values by `threads` threads, a multiple of 32; returns the number of rows
// that were refused. Here and below arrays are [rows / columns, n, columns].
extern "C" int simulate_soft_rank(const float* values, std::int64_t rows, std::int64_t n,
                                  std::int64_t columns, double eps, int normalize, int threads,
                                  int order, float* ranks) {
  const RowLayout layout = layout_of(n, columns);
  int refused = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    auto memory = shared_memory(row_memory_bytes(threads));
    std::vector<Wide> sums(static_cast<std::size_t>(n) + 1, Wide{0xdeadbeefu, -77});
    SimulatedTeam team(threads, static_cast<Order>(order));
    const auto rank = eps > 0 ? rank_row<true, SimulatedTeam> : rank_row<false, SimulatedTeam>;
    refused += !rank(team, row_memory(reinterpret_cast<unsigned char*>(memory.data()), threads),
                     values + layout.begin(row), layout.n, layout.columns,
                     RankOptions{eps, static_cast<InfonetNormalize>(normalize)}, sums.data(),
                     ranks + layout.begin(row));
  }
  return refused;
}

namespace {

// A workspace as a caller has it, filled with a pattern and with a guard behind it.
class Workspace {
 public:
  explicit Workspace(std::size_t bytes)
      : bytes_(bytes), memory_(bytes / sizeof(Run) + 17, junk()) {}
  ~Workspace() {
    const unsigned char junk_byte = 0xA5;
    for (std::size_t i = bytes_; i < memory_.size() * sizeof(Run); ++i) {
      if (data()[i] != junk_byte) std::abort();  // written behind the workspace
    }
  }
  unsigned char* data() { return reinterpret_cast<unsigned char*>(memory_.data()); }

 private:
  static Run junk() {
    const Wide wide{0xA5A5A5A5A5A5A5A5u, static_cast<std::int64_t>(0xA5A5A5A5A5A5A5A5u)};
    return {wide, wide};
  }
  std::size_t bytes_;
  std::vector<Run> memory_;
};

// work(team, i, tile) for the tiles of rows i of a launch, as blocks that run in some order.
template <typename Work>
void each_tile(unsigned rows, std::uint32_t tiles, Order order, const Work& work) {
  const std::uint32_t blocks = rows * tiles;
  for (std::uint32_t i = 0; i < blocks; ++i) {
    const std::uint32_t block = order == Order::kForward ? i : blocks - 1 - i;
    SimulatedTeam team(kTileThreads, order);
    work(team, block / tiles, block % tiles);
  }
}

struct Ended {
  int sorted, pooled;
};

// The launches of sort_and_pool in cuda/long_rows.cu.
Ended sort_and_pool(const Rows& all, unsigned rows, double eps, Order order) {
  const std::uint32_t tiles = all.tiles;
  auto tile_memory = std::make_unique<TileMemory>();
  auto pool_memory = std::make_unique<PoolMemory>();
  int sorted = 0, pooled = 0;
  const auto launch = [&](const auto& work) { each_tile(rows, tiles, order, work); };
  launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
    sort_tile(team, all.row(i), tile, *tile_memory);
  });
  for (std::uint32_t width = 1; width < tiles; width *= 2, sorted = 1 - sorted) {
    launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
      merge_tile(team, all.row(i), width * kTileSize, sorted, tile, *tile_memory);
    });
  }
  if (eps == 0.0) return {sorted, pooled};
  const auto keys = [&](const LongRow& row) { return row.keys[sorted]; };
  launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
    const LongRow row = all.row(i);
    measure_tile(team, row, keys(row), eps, tile, *pool_memory);
  });
  each_tile(rows, 1, order, [&](auto& team, std::uint32_t i, std::uint32_t) {
    const LongRow row = all.row(i);
    scan_tiles(team, row, keys(row), *pool_memory);
  });
  launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
    const LongRow row = all.row(i);
    hull_tile(team, row, keys(row), eps, tile, *pool_memory);
  });
  launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
    const LongRow row = all.row(i);
    join_tile(team, row, keys(row), eps, tile, *pool_memory);
  });
  for (std::uint32_t width = 1; width < tiles; width *= 2, pooled = 1 - pooled) {
    const std::uint32_t pairs = (tiles + 2 * width - 1) / (2 * width);
    for (std::uint32_t i = 0; i < rows * pairs; ++i) {
      const LongRow row = all.row(i / pairs);
      if (is_ranked(keys(row), row.n, true)) {
        bridge_tiles(row, width, pooled, i % pairs * 2 * width);
      }
    }
    launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
      const LongRow row = all.row(i);
      if (is_ranked(keys(row), row.n, true)) move_tile(team, row, width, pooled, tile);
    });
  }
  return {sorted, pooled};
}

template <bool kSoft>
int rank_long_rows(const float* values, std::int64_t rows, const RowLayout& layout,
                   const RankOptions& options, std::int64_t most, Order order, float* ranks) {
  Parts counted{nullptr};
  lay_out(most, {layout.n, 1}, kSoft, counted);
  Workspace workspace(counted.used);
  Parts parts{workspace.data()};
  Rows all = lay_out(most, layout, kSoft, parts);
  all.first.values = values;
  auto memory = std::make_unique<PoolMemory>();
  int refused = 0;
  for (all.first_row = 0; all.first_row < rows; all.first_row += most) {
    const unsigned now = static_cast<unsigned>(std::min(most, rows - all.first_row));
    const Ended at = sort_and_pool(all, now, options.eps, order);
    each_tile(now, all.tiles, order, [&](auto& team, std::uint32_t i, std::uint32_t tile) {
      const bool allowed = rank_tile<kSoft>(team, all.row(i), options, at.sorted, at.pooled, tile,
                                            *memory, ranks + all.begin(i));
      refused += !allowed && tile == 0;
    });
  }
  return refused;
}

}  // namespace

// The launches of cuda/long_rows.cu, `most` rows side by side.
extern "C" int simulate_long_soft_rank(const float* values, std::int64_t rows, std::int64_t n,
                                       std::int64_t columns, double eps, int normalize,
                                       std::int64_t most, int order, float* ranks) {
  const auto rank = eps > 0 ? rank_long_rows<true> : rank_long_rows<false>;
  return rank(values, rows, layout_of(n, columns),
              RankOptions{eps, static_cast<InfonetNormalize>(normalize)}, most,
              static_cast<Order>(order), ranks);
}

// The launches of cuda/long_rows_gradient.cu.
extern "C" int simulate_gradient(const float* values, const float* by, std::int64_t rows,
                                 std::int64_t n, std::int64_t columns, double eps, int normalize,
                                 std::int64_t most, int order_number, float* gradient) {
  const RowLayout layout = layout_of(n, columns);
  const Order order = static_cast<Order>(order_number);
  Parts counted{nullptr};
  lay_out_gradient(most, {layout.n, 1}, counted);
  Workspace workspace(counted.used);
  Parts parts{workspace.data()};
  GradientRows all = lay_out_gradient(most, layout, parts);
  all.rows.first.values = values;
  all.first.by = by;
  all.first.options = {eps, static_cast<InfonetNormalize>(normalize)};
  auto memory = std::make_unique<GradientMemory>();
  int refused = 0;
  for (std::int64_t& begin = all.rows.first_row; begin < rows; begin += most) {
    const unsigned now = static_cast<unsigned>(std::min(most, rows - begin));
    const Ended at = sort_and_pool(all.rows, now, eps, order);
    all.first.sorted = at.sorted;
    all.first.pooled = at.pooled;
    const auto launch = [&](const auto& work) { each_tile(now, all.rows.tiles, order, work); };
    if (normalize == INFONET_MINMAX) {
      launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
        normalization_tile(team, all.row(i), tile, *memory);
      });
    }
    launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
      collect_tile(team, all.row(i), tile, *memory);
    });
    launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
      average_tile(team, all.row(i), tile);
    });
    launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
      center_tile(team, all.row(i), tile, *memory);
    });
    launch([&](auto& team, std::uint32_t i, std::uint32_t tile) {
      const bool allowed =
          finish_tile(team, all.row(i), tile, *memory, gradient + all.rows.begin(i));
      refused += !allowed && tile == 0;
    });
  }
  return refused;
}

namespace {

// The join of part(block) over the segments of the row of `block`.
template <typename Part>
Part join_row(const std::vector<Part>& parts, const Segments& segments, std::uint32_t block) {
  const std::size_t first = block - segments.at(block).number;
  Part all = parts[first];
  for (std::uint32_t i = 1; i < segments.a_row; ++i) all = joined(all, parts[first + i]);
  return all;
}

// What one block of a pass makes of `none` and own(part, i, value) for its values.
template <typename Part, typename Own>
Part over_segment(const float* row, const Segments& segments, std::uint32_t block, Part none,
                  const Own& own) {
  Part all = none;
  for (int thread = 0; thread < kSegmentThreads; ++thread) {
    Part part = none;
    segments.each(row, segments.at(block), thread,
                  [&](std::uint32_t i, float value) { own(part, i, value); });
    all = joined(all, part);
  }
  return all;
}

}  // namespace

// The launches of cuda/affine.cu, `most` rows each.
extern "C" int simulate_affine(const float* values, std::int64_t rows, std::int64_t n,
                               std::int64_t columns, double eps, int normalize, std::int64_t most,
                               float* ranks) {
  const RowLayout layout = layout_of(n, columns);
  const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
  int refused = 0;
  each_launch(rows, layout, most, [&](const Segments& segments, unsigned blocks) {
    std::vector<Extent> extents(blocks);
    const auto row_of = [&](unsigned block) { return layout.begin(segments.at(block).row); };
    for (unsigned block = 0; block < blocks; ++block) {
      const float* const row = values + row_of(block);
      extents[block] = over_segment(row, segments, block, Extent{0.0, 0xffffffffu, 0u},
                                    [&](Extent& part, std::uint32_t, float value) {
                                      part = joined(part, extent_of(value, row[0]));
                                    });
    }
    for (unsigned block = 0; block < blocks; ++block) {
      const float* const row = values + row_of(block);
      const Segment segment = segments.at(block);
      bool allowed;
      const Affine affine =
          affine_of(join_row(extents, segments, block), row[0], layout.n, options, allowed);
      refused += !allowed && segment.number == 0;
      for (int thread = 0; thread < kSegmentThreads; ++thread) {
        segments.map(row, ranks + row_of(block), segment, thread,
                     [&](float value) { return affine(value); });
      }
    }
  });
  return refused;
}

// The launches of cuda/affine_gradient.cu.
extern "C" int simulate_affine_gradient(const float* values, const float* by, std::int64_t rows,
                                        std::int64_t n, std::int64_t columns, double eps,
                                        int normalize, std::int64_t most, float* gradient) {
  const RowLayout layout = layout_of(n, columns);
  const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
  int refused = 0;
  each_launch(rows, layout, most, [&](const Segments& segments, unsigned blocks) {
    std::vector<GradientExtent> extents(blocks);
    std::vector<EndSums> ends(blocks);
    const auto row_of = [&](unsigned block) { return layout.begin(segments.at(block).row); };
    const auto place = [&](std::uint32_t i) { return strided(i, layout.columns); };
    for (unsigned block = 0; block < blocks; ++block) {
      const std::int64_t row = row_of(block);
      extents[block] =
          over_segment(values + row, segments, block, GradientExtent{0.0, 0xffffffffu, 0u},
                       [&](GradientExtent& part, std::uint32_t i, float value) {
                         part = joined(part, gradient_extent_of(value, by[row + place(i)]));
                       });
    }
    const auto affine_at = [&](unsigned block) {
      return affine_gradient_of(join_row(extents, segments, block), layout.n, options);
    };
    for (unsigned block = 0; block < blocks; ++block) {
      const std::int64_t row = row_of(block);
      const AffineGradient affine = affine_at(block);
      ends[block] =
          over_segment(values + row, segments, block, EndSums{0.0, 0.0, 0, 0},
                       [&](EndSums& part, std::uint32_t i, float value) {
                         part.add(affine.by_scaled(by[row + place(i)]), affine.scaled(value));
                       });
    }
    for (unsigned block = 0; block < blocks; ++block) {
      const std::int64_t row = row_of(block);
      const AffineGradient affine = affine_at(block);
      const GradientExtent extent = join_row(extents, segments, block);
      const EndShares shares = shares_of(join_row(ends, segments, block));
      bool allowed;
      float otherwise;
      const bool any = has_gradient(extent.lowest, extent.highest, allowed, otherwise);
      refused += !allowed && segments.at(block).number == 0;
      for (int thread = 0; thread < kSegmentThreads; ++thread) {
        segments.each(values + row, segments.at(block), thread, [&](std::uint32_t i, float value) {
          const std::size_t at = row + place(i);
          gradient[at] =
              any ? static_cast<float>(unscaled(affine.by_scaled(by[at]), affine.scaled(value),
                                                shares, affine.range.width))
                  : otherwise;
        });
      }
    }
  });
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
