// Average ranks of rows of any length, in many passes over device memory (shared/long_row.hpp).
#include "long_rows.cuh"

namespace infonet::cuda {
namespace {

constexpr std::int64_t kValuesAtATime = std::int64_t{1} << 23;

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

INFONET_TILE_KERNEL rank_tiles(Rows rows, RankOptions options, int sorted, float* ranks,
                               long long* refused) {
  __shared__ PoolMemory memory;
  DeviceTeam team;
  const std::uint32_t i = blockIdx.x / rows.tiles;
  if (!rank_tile<false>(team, rows.row(i), options, sorted, 0, blockIdx.x % rows.tiles, memory,
                        ranks + rows.begin(i))) {
    report_row(refused, rows.first_row + i);
  }
}

}  // namespace

std::int64_t rows_at_a_time(std::int64_t rows, std::int64_t n) {
  return smaller(rows, kValuesAtATime / n > 1 ? kValuesAtATime / n : std::int64_t{1});
}

int sort_rows(const Rows& all, unsigned rows, cudaStream_t stream) {
  const unsigned blocks = rows * all.tiles;
  int sorted = 0;
  sort_tiles<<<blocks, kTileThreads, 0, stream>>>(all);
  for (std::uint32_t width = 1; width < all.tiles; width *= 2, sorted = 1 - sorted) {
    merge_tiles<<<blocks, kTileThreads, 0, stream>>>(all, width * kTileSize, sorted);
  }
  return sorted;
}

std::size_t long_rows_workspace(std::int64_t rows, std::int64_t n) {
  Parts parts{nullptr};
  lay_out(rows_at_a_time(rows, n), {static_cast<std::uint32_t>(n), 1}, false, parts);
  return parts.used;
}

cudaError_t launch_long_rows(const RankCall& call) {
  const std::int64_t most = rows_at_a_time(call.rows, call.layout.n);
  Parts parts{static_cast<unsigned char*>(call.workspace)};
  Rows all = lay_out(most, call.layout, false, parts);
  all.first.values = call.values;
  for (all.first_row = 0; all.first_row < call.rows; all.first_row += most) {
    const unsigned rows =
        static_cast<unsigned>(smaller<std::int64_t>(most, call.rows - all.first_row));
    const int sorted = sort_rows(all, rows, call.stream);
    rank_tiles<<<rows * all.tiles, kTileThreads, 0, call.stream>>>(all, call.options, sorted,
                                                                   call.ranks, call.refused);
  }
  return cudaGetLastError();
}

}  // namespace infonet::cuda
