// Ranks of rows of any length, in many passes over device memory (shared/long_row.hpp).
#include "device_team.cuh"
#include "launch.hpp"
#include "long_row.hpp"

namespace infonet::cuda {
namespace {

constexpr std::int64_t kValuesAtATime = std::int64_t{1} << 23;  // bounds the workspace

// Rows side by side, each part of the workspace for all of them.
struct Rows {
  LongRow first;
  std::uint32_t tiles;

  __device__ LongRow row(std::uint32_t i) const {
    LongRow row = first;
    const std::size_t values = static_cast<std::size_t>(i) * first.n;
    const std::size_t parts = static_cast<std::size_t>(i) * tiles;
    row.values += values;
    for (int k = 0; k < 2; ++k) {
      row.keys[k] += values;
      row.index[k] += values;
      row.starts[k] += values;
      row.counts[k] += parts;
    }
    row.sums += values + i;
    row.threads += parts * kTileThreads;
    row.bridges += parts;
    row.runs += parts;
    return row;
  }
};

#define INFONET_TILE_KERNEL __global__ void __launch_bounds__(kTileThreads)

INFONET_TILE_KERNEL sort_tiles(Rows rows) {
  __shared__ TileMemory memory;
  DeviceTeam team;
  sort_tile(team, rows.row(blockIdx.x / rows.tiles), blockIdx.x % rows.tiles, memory);
}

INFONET_TILE_KERNEL merge_tiles(Rows rows, std::uint32_t run, int from) {
  __shared__ TileMemory memory;
  DeviceTeam team;
  merge_tile(team, rows.row(blockIdx.x / rows.tiles), run, from, blockIdx.x % rows.tiles, memory);
}

INFONET_TILE_KERNEL measure_tiles(Rows rows, int sorted, double eps) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const LongRow row = rows.row(blockIdx.x / rows.tiles);
  measure_tile(team, row, row.keys[sorted], eps, blockIdx.x % rows.tiles, memory);
}

INFONET_TILE_KERNEL scan_all_tiles(Rows rows, int sorted) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const LongRow row = rows.row(blockIdx.x);
  scan_tiles(team, row, row.keys[sorted], memory);
}

INFONET_TILE_KERNEL hull_tiles(Rows rows, int sorted, double eps) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const LongRow row = rows.row(blockIdx.x / rows.tiles);
  hull_tile(team, row, row.keys[sorted], eps, blockIdx.x % rows.tiles, memory);
}

INFONET_TILE_KERNEL join_tiles(Rows rows, int sorted, double eps) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const LongRow row = rows.row(blockIdx.x / rows.tiles);
  join_tile(team, row, row.keys[sorted], eps, blockIdx.x % rows.tiles, memory);
}

__global__ void bridge_all_tiles(Rows rows, std::uint32_t pairs, std::uint32_t all,
                                 std::uint32_t width, int sorted, int from) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= all) return;
  const LongRow row = rows.row(i / pairs);
  if (!is_ranked(row.keys[sorted], row.n, true)) return;
  bridge_tiles(row, width, from, i % pairs * 2 * width);
}

INFONET_TILE_KERNEL move_tiles(Rows rows, std::uint32_t width, int sorted, int from) {
  DeviceTeam team;
  const LongRow row = rows.row(blockIdx.x / rows.tiles);
  if (!is_ranked(row.keys[sorted], row.n, true)) return;
  move_tile(team, row, width, from, blockIdx.x % rows.tiles);
}

template <bool kSoft>
INFONET_TILE_KERNEL rank_tiles(Rows rows, RankOptions options, int sorted, int pooled, float* ranks,
                               long long first_row, long long* refused) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const std::uint32_t i = blockIdx.x / rows.tiles;
  const LongRow row = rows.row(i);
  if (!rank_tile<kSoft>(team, row, options, sorted, pooled, blockIdx.x % rows.tiles, memory,
                        ranks + static_cast<std::size_t>(i) * row.n)) {
    report_row(refused, first_row + i);
  }
}

std::int64_t rows_at_a_time(std::int64_t rows, std::int64_t n) {
  return smaller(rows, kValuesAtATime / n > 1 ? kValuesAtATime / n : std::int64_t{1});
}

// Parts of a workspace one after the other, each aligned to 16 bytes.
struct Parts {
  unsigned char* next;
  std::size_t used = 0;
  template <typename T>
  T* take(std::size_t count) {
    T* const part = reinterpret_cast<T*>(next + used);
    used += (count * sizeof(T) + 15) / 16 * 16;
    return part;
  }
};

std::size_t lay_out(std::int64_t rows, std::int64_t n, bool soft, void* workspace, Rows& all) {
  Parts parts{static_cast<unsigned char*>(workspace)};
  const std::size_t size = static_cast<std::size_t>(rows * n);
  all.tiles = tiles_of(static_cast<std::uint32_t>(n));
  const std::size_t tiles = static_cast<std::size_t>(rows) * all.tiles;
  LongRow& row = all.first;
  row.n = static_cast<std::uint32_t>(n);
  for (int k = 0; k < 2; ++k) {
    row.keys[k] = parts.take<std::uint32_t>(size);
    row.index[k] = parts.take<std::uint32_t>(size);
  }
  if (!soft) return parts.used;
  row.sums = parts.take<Wide>(size + static_cast<std::size_t>(rows));
  for (int k = 0; k < 2; ++k) {
    row.starts[k] = parts.take<std::uint32_t>(size);
    row.counts[k] = parts.take<std::uint32_t>(tiles);
  }
  row.threads = parts.take<std::uint32_t>(tiles * kTileThreads);
  row.bridges = parts.take<Bridge>(tiles);
  row.runs = parts.take<Run>(tiles);
  return parts.used;
}

}  // namespace

std::size_t long_rows_workspace(std::int64_t rows, std::int64_t n, const RankOptions& options) {
  Rows all{};
  return lay_out(rows_at_a_time(rows, n), n, options.eps > 0.0, nullptr, all);
}

cudaError_t launch_long_rows(const RankCall& call) {
  const bool soft = call.options.eps > 0.0;
  const double eps = call.options.eps;
  const std::int64_t most = rows_at_a_time(call.rows, call.n);
  Rows all{};
  lay_out(most, call.n, soft, call.workspace, all);
  const std::uint32_t tiles = all.tiles;
  for (std::int64_t begin = 0; begin < call.rows; begin += most) {
    const unsigned rows = static_cast<unsigned>(smaller(most, call.rows - begin));
    const unsigned blocks = rows * tiles;
    const cudaStream_t stream = call.stream;
    all.first.values = call.values + begin * call.n;
    float* const ranks = call.ranks + begin * call.n;
    int sorted = 0, pooled = 0;
    sort_tiles<<<blocks, kTileThreads, 0, stream>>>(all);
    for (std::uint32_t width = 1; width < tiles; width *= 2, sorted = 1 - sorted) {
      merge_tiles<<<blocks, kTileThreads, 0, stream>>>(all, width * kTileSize, sorted);
    }
    if (!soft) {
      rank_tiles<false><<<blocks, kTileThreads, 0, stream>>>(all, call.options, sorted, pooled,
                                                             ranks, begin, call.refused);
      continue;
    }
    measure_tiles<<<blocks, kTileThreads, 0, stream>>>(all, sorted, eps);
    scan_all_tiles<<<rows, kTileThreads, 0, stream>>>(all, sorted);
    hull_tiles<<<blocks, kTileThreads, 0, stream>>>(all, sorted, eps);
    join_tiles<<<blocks, kTileThreads, 0, stream>>>(all, sorted, eps);
    for (std::uint32_t width = 1; width < tiles; width *= 2, pooled = 1 - pooled) {
      const std::uint32_t pairs = (tiles + 2 * width - 1) / (2 * width);
      bridge_all_tiles<<<(rows * pairs + 31) / 32, 32, 0, stream>>>(all, pairs, rows * pairs, width,
                                                                    sorted, pooled);
      move_tiles<<<blocks, kTileThreads, 0, stream>>>(all, width, sorted, pooled);
    }
    rank_tiles<true><<<blocks, kTileThreads, 0, stream>>>(all, call.options, sorted, pooled, ranks,
                                                          begin, call.refused);
  }
  return cudaGetLastError();
}

}  // namespace infonet::cuda
