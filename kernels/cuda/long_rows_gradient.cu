// The gradient of soft ranks of rows that are sorted and pooled (shared/long_row_gradient.hpp).
#include "long_row_gradient.hpp"
#include "long_rows.cuh"

namespace infonet::cuda {
namespace {

INFONET_TILE_KERNEL normalization_tiles(GradientRows all) {
  __shared__ GradientMemory memory;
  DeviceTeam team;
  normalization_tile(team, all.row(blockIdx.x / all.rows.tiles), blockIdx.x % all.rows.tiles,
                     memory);
}

INFONET_TILE_KERNEL collect_tiles(GradientRows all) {
  __shared__ GradientMemory memory;
  DeviceTeam team;
  collect_tile(team, all.row(blockIdx.x / all.rows.tiles), blockIdx.x % all.rows.tiles, memory);
}

INFONET_TILE_KERNEL average_tiles(GradientRows all) {
  DeviceTeam team;
  average_tile(team, all.row(blockIdx.x / all.rows.tiles), blockIdx.x % all.rows.tiles);
}

INFONET_TILE_KERNEL center_tiles(GradientRows all) {
  __shared__ GradientMemory memory;
  DeviceTeam team;
  center_tile(team, all.row(blockIdx.x / all.rows.tiles), blockIdx.x % all.rows.tiles, memory);
}

INFONET_TILE_KERNEL finish_tiles(GradientRows all, float* gradient, long long* refused) {
  __shared__ GradientMemory memory;
  DeviceTeam team;
  const std::uint32_t i = blockIdx.x / all.rows.tiles;
  if (!finish_tile(team, all.row(i), blockIdx.x % all.rows.tiles, memory,
                   gradient + all.rows.begin(i))) {
    report_row(refused, all.rows.first_row + i);
  }
}

}  // namespace

std::size_t gradient_workspace(std::int64_t rows, std::int64_t n) {
  Parts parts{nullptr};
  lay_out_gradient(rows_at_a_time(rows, n), {static_cast<std::uint32_t>(n), 1}, parts);
  return parts.used;
}

cudaError_t launch_gradient(const GradientCall& call) {
  const std::int64_t most = rows_at_a_time(call.rows, call.layout.n);
  Parts parts{static_cast<unsigned char*>(call.workspace)};
  GradientRows all = lay_out_gradient(most, call.layout, parts);
  all.rows.first.values = call.values;
  all.first.by = call.by;
  all.first.options = call.options;
  std::int64_t& begin = all.rows.first_row;
  for (begin = 0; begin < call.rows; begin += most) {
    const unsigned rows = static_cast<unsigned>(smaller<std::int64_t>(most, call.rows - begin));
    const unsigned blocks = rows * all.rows.tiles;
    const Ended at = sort_and_pool(all.rows, rows, call.options.eps, call.stream);
    all.first.sorted = at.sorted;
    all.first.pooled = at.pooled;
    if (call.options.normalize == INFONET_MINMAX) {
      normalization_tiles<<<blocks, kTileThreads, 0, call.stream>>>(all);
    }
    collect_tiles<<<blocks, kTileThreads, 0, call.stream>>>(all);
    average_tiles<<<blocks, kTileThreads, 0, call.stream>>>(all);
    center_tiles<<<blocks, kTileThreads, 0, call.stream>>>(all);
    finish_tiles<<<blocks, kTileThreads, 0, call.stream>>>(all, call.gradient, call.refused);
  }
  return cudaGetLastError();
}

}  // namespace infonet::cuda
