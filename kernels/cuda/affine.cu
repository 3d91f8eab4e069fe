// Soft ranks without a sort: two passes over the row, in segments that many blocks share.
#include "affine.hpp"
#include "block_row.hpp"
#include "device_team.cuh"
#include "launch.hpp"

namespace infonet::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::uint32_t kSegment = 16384;  // a multiple of 4, so that all begin alike

__device__ Extent shuffled(const Extent& extent, int distance) {
  return {__shfl_down_sync(0xffffffffu, extent.sum, distance),
          __shfl_down_sync(0xffffffffu, extent.lowest, distance),
          __shfl_down_sync(0xffffffffu, extent.highest, distance)};
}

struct Segment {
  long long row;
  std::uint32_t begin, size;
};

__device__ Segment segment_of(long long block, std::uint32_t n, std::uint32_t segments) {
  const std::uint32_t begin = static_cast<std::uint32_t>(block % segments) * kSegment;
  return {block / segments, begin, smaller(kSegment, n - begin)};
}

__global__ void __launch_bounds__(kThreads)
    measure(const float* values, std::uint32_t n, std::uint32_t segments, Extent* extents) {
  const Segment segment = segment_of(blockIdx.x, n, segments);
  const float* const row = values + segment.row * n;
  const float first = row[0];
  const int thread = static_cast<int>(threadIdx.x);
  Extent extent{0.0, 0xffffffffu, 0u};
  in_fours(
      row + segment.begin, segment.size, thread, kThreads,
      [&](std::uint32_t i) { extent = joined(extent, extent_of(row[segment.begin + i], first)); },
      [&](std::uint32_t i) {
        const Four four = *reinterpret_cast<const Four*>(row + segment.begin + i);
        INFONET_UNROLL
        for (int k = 0; k < 4; ++k) extent = joined(extent, extent_of(four.value[k], first));
      });
  for (int distance = 16; distance > 0; distance /= 2) {
    extent = joined(extent, shuffled(extent, distance));
  }
  __shared__ Extent warps[kThreads / 32];
  if (thread % 32 == 0) warps[thread / 32] = extent;
  __syncthreads();
  if (thread > 0) return;
  for (int warp = 1; warp < kThreads / 32; ++warp) extent = joined(extent, warps[warp]);
  extents[blockIdx.x] = extent;
}

__global__ void __launch_bounds__(kThreads, 4)
    apply(const float* values, std::uint32_t n, std::uint32_t segments, RankOptions options,
          const Extent* extents, float* ranks, long long* refused) {
  const Segment segment = segment_of(blockIdx.x, n, segments);
  const float* const row = values + segment.row * n;
  __shared__ Affine shared_affine;
  if (threadIdx.x == 0) {
    Extent extent = extents[segment.row * segments];
    for (std::uint32_t i = 1; i < segments; ++i) {
      extent = joined(extent, extents[segment.row * segments + i]);
    }
    bool allowed;
    shared_affine = affine_of(extent, row[0], n, options, allowed);
    if (!allowed) report_row(refused, segment.row);
  }
  __syncthreads();
  const Affine affine = shared_affine;
  const float* const from = row + segment.begin;
  float* const to = ranks + segment.row * n + segment.begin;
  const int thread = static_cast<int>(threadIdx.x);
  const bool aligned_alike =
      ((reinterpret_cast<std::uintptr_t>(from) ^ reinterpret_cast<std::uintptr_t>(to)) & 15) == 0;
  if (aligned_alike) {
    in_fours(
        from, segment.size, thread, kThreads, [&](std::uint32_t i) { to[i] = affine(from[i]); },
        [&](std::uint32_t i) {
          Four four = *reinterpret_cast<const Four*>(from + i);
          INFONET_UNROLL
          for (int k = 0; k < 4; ++k) four.value[k] = affine(four.value[k]);
          *reinterpret_cast<Four*>(to + i) = four;
        });
  } else {
    for (std::uint32_t i = threadIdx.x; i < segment.size; i += kThreads) to[i] = affine(from[i]);
  }
}

std::uint32_t segments_of(std::int64_t n) {
  return static_cast<std::uint32_t>((n + kSegment - 1) / kSegment);
}

}  // namespace

std::size_t affine_workspace(std::int64_t rows, std::int64_t n) {
  return static_cast<std::size_t>(rows * segments_of(n)) * sizeof(Extent);
}

cudaError_t launch_affine(const RankCall& call) {
  const std::uint32_t n = static_cast<std::uint32_t>(call.n), segments = segments_of(call.n);
  const unsigned blocks = static_cast<unsigned>(call.rows * segments);
  Extent* const extents = static_cast<Extent*>(call.workspace);
  measure<<<blocks, kThreads, 0, call.stream>>>(call.values, n, segments, extents);
  apply<<<blocks, kThreads, 0, call.stream>>>(call.values, n, segments, call.options, extents,
                                              call.ranks, call.refused);
  return cudaGetLastError();
}

}  // namespace infonet::cuda
