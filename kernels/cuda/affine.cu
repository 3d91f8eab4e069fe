// Soft ranks without a sort: two passes over the row, in segments that many blocks share.
#include "affine.hpp"
#include "device.cuh"

namespace infonet::cuda {
namespace {

__device__ Extent shuffled(const Extent& extent, int distance) {
  return {__shfl_down_sync(0xffffffffu, extent.sum, distance),
          __shfl_down_sync(0xffffffffu, extent.lowest, distance),
          __shfl_down_sync(0xffffffffu, extent.highest, distance)};
}

__global__ void __launch_bounds__(kThreads)
    measure(const float* values, Segments segments, Extent* extents) {
  const Segment segment = segments.at(blockIdx.x);
  const float* const row = values + segments.layout.begin(segment.row);
  const float first = row[0];
  Extent extent{0.0, 0xffffffffu, 0u};
  segments.each(row, segment, static_cast<int>(threadIdx.x), [&](std::uint32_t, float value) {
    extent = joined(extent, extent_of(value, first));
  });
  for (int distance = 16; distance > 0; distance /= 2) {
    extent = joined(extent, shuffled(extent, distance));
  }
  __shared__ Extent warps[kThreads / 32];
  const int thread = static_cast<int>(threadIdx.x);
  if (thread % 32 == 0) warps[thread / 32] = extent;
  __syncthreads();
  if (thread > 0) return;
  for (int warp = 1; warp < kThreads / 32; ++warp) extent = joined(extent, warps[warp]);
  extents[blockIdx.x] = extent;
}

__global__ void __launch_bounds__(kThreads, 4)
    apply(const float* values, Segments segments, RankOptions options, const Extent* extents,
          float* ranks, long long* refused) {
  const Segment segment = segments.at(blockIdx.x);
  const std::int64_t begin = segments.layout.begin(segment.row);
  const float* const row = values + begin;
  __shared__ Affine shared_affine;
  if (threadIdx.x == 0) {
    const Extent* const parts = extents + (blockIdx.x - segment.number);
    Extent extent = parts[0];
    for (std::uint32_t i = 1; i < segments.a_row; ++i) extent = joined(extent, parts[i]);
    bool allowed;
    shared_affine = affine_of(extent, row[0], segments.layout.n, options, allowed);
    if (!allowed) report_row(refused, segment.row);
  }
  __syncthreads();
  const Affine affine = shared_affine;
  segments.map(row, ranks + begin, segment, static_cast<int>(threadIdx.x),
               [&](float value) { return affine(value); });
}

}  // namespace

std::size_t affine_workspace(std::int64_t rows, std::int64_t n) {
  return static_cast<std::size_t>(smaller(rows, rows_a_launch(n)) * segments_of(n)) *
         sizeof(Extent);
}

cudaError_t launch_affine(const RankCall& call) {
  Extent* const extents = static_cast<Extent*>(call.workspace);
  each_launch(call.rows, call.layout, rows_a_launch(call.layout.n),
              [&](const Segments& segments, unsigned blocks) {
                measure<<<blocks, kThreads, 0, call.stream>>>(call.values, segments, extents);
                apply<<<blocks, kThreads, 0, call.stream>>>(call.values, segments, call.options,
                                                            extents, call.ranks, call.refused);
              });
  return cudaGetLastError();
}

}  // namespace infonet::cuda
