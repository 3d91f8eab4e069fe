// Soft ranks of rows of any length that are pooled into more than one block, 0 < eps < 2 / n. They
// are compiled where INFONET_CUDA_LONG_SOFT_RANK asks for them.
#include "long_rows.cuh"

namespace infonet::cuda {
namespace {

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

INFONET_TILE_KERNEL rank_tiles(Rows rows, RankOptions options, int sorted, int pooled, float* ranks,
                               long long* refused) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const std::uint32_t i = blockIdx.x / rows.tiles;
  if (!rank_tile<true>(team, rows.row(i), options, sorted, pooled, blockIdx.x % rows.tiles, memory,
                       ranks + rows.begin(i))) {
    report_row(refused, rows.first_row + i);
  }
}

}  // namespace

Ended sort_and_pool(const Rows& all, unsigned rows, double eps, cudaStream_t stream) {
  const std::uint32_t tiles = all.tiles;
  const unsigned blocks = rows * tiles;
  const int sorted = sort_rows(all, rows, stream);
  int pooled = 0;
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
  return {sorted, pooled};
}

std::size_t long_soft_rows_workspace(std::int64_t rows, std::int64_t n) {
  Parts parts{nullptr};
  lay_out(rows_at_a_time(rows, n), {static_cast<std::uint32_t>(n), 1}, true, parts);
  return parts.used;
}

cudaError_t launch_long_soft_rows(const RankCall& call) {
  const std::int64_t most = rows_at_a_time(call.rows, call.layout.n);
  Parts parts{static_cast<unsigned char*>(call.workspace)};
  Rows all = lay_out(most, call.layout, true, parts);
  all.first.values = call.values;
  for (all.first_row = 0; all.first_row < call.rows; all.first_row += most) {
    const unsigned rows =
        static_cast<unsigned>(smaller<std::int64_t>(most, call.rows - all.first_row));
    const Ended at = sort_and_pool(all, rows, call.options.eps, call.stream);
    rank_tiles<<<rows * all.tiles, kTileThreads, 0, call.stream>>>(
        all, call.options, at.sorted, at.pooled, call.ranks, call.refused);
  }
  return cudaGetLastError();
}

}  // namespace infonet::cuda
