// The gradient of soft ranks without a sort: three passes, in segments that many blocks share.
#include "affine_gradient.hpp"
#include "device.cuh"

namespace infonet::cuda {
namespace {

__device__ GradientExtent shuffled(const GradientExtent& part, int distance) {
  return {__shfl_down_sync(0xffffffffu, part.by, distance),
          __shfl_down_sync(0xffffffffu, part.lowest, distance),
          __shfl_down_sync(0xffffffffu, part.highest, distance)};
}

__device__ EndSums shuffled(const EndSums& part, int distance) {
  return {__shfl_down_sync(0xffffffffu, part.low, distance),
          __shfl_down_sync(0xffffffffu, part.high, distance),
          __shfl_down_sync(0xffffffffu, part.lowest, distance),
          __shfl_down_sync(0xffffffffu, part.highest, distance)};
}

// *out becomes the join of all threads' parts. All threads call it.
template <typename Part>
__device__ void join_block(Part part, Part* out) {
  for (int distance = 16; distance > 0; distance /= 2) {
    part = joined(part, shuffled(part, distance));
  }
  __shared__ Part warps[kThreads / 32];
  const int thread = static_cast<int>(threadIdx.x);
  if (thread % 32 == 0) warps[thread / 32] = part;
  __syncthreads();
  if (thread > 0) return;
  for (int warp = 1; warp < kThreads / 32; ++warp) part = joined(part, warps[warp]);
  *out = part;
}

// The join of the parts of a segment's row.
template <typename Part>
__device__ Part join_row(const Part* parts, const Segments& segments, const Segment& segment) {
  const Part* const row = parts + (blockIdx.x - segment.number);
  Part all = row[0];
  for (std::uint32_t i = 1; i < segments.a_row; ++i) all = joined(all, row[i]);
  return all;
}

__global__ void __launch_bounds__(kThreads)
    measure(const float* values, const float* by, Segments segments, GradientExtent* extents) {
  const Segment segment = segments.at(blockIdx.x);
  const std::int64_t begin = segments.layout.begin(segment.row);
  const std::uint32_t stride = segments.layout.columns;
  GradientExtent part{0.0, 0xffffffffu, 0u};
  segments.each(values + begin, segment, static_cast<int>(threadIdx.x),
                [&](std::uint32_t i, float value) {
                  part = joined(part, gradient_extent_of(value, by[begin + strided(i, stride)]));
                });
  join_block(part, extents + blockIdx.x);
}

__global__ void __launch_bounds__(kThreads)
    sum_ends(const float* values, const float* by, Segments segments, RankOptions options,
             const GradientExtent* extents, EndSums* ends) {
  const Segment segment = segments.at(blockIdx.x);
  const std::int64_t begin = segments.layout.begin(segment.row);
  const std::uint32_t stride = segments.layout.columns;
  __shared__ AffineGradient shared_affine;
  if (threadIdx.x == 0) {
    shared_affine =
        affine_gradient_of(join_row(extents, segments, segment), segments.layout.n, options);
  }
  __syncthreads();
  const AffineGradient affine = shared_affine;
  EndSums part{0.0, 0.0, 0, 0};
  segments.each(values + begin, segment, static_cast<int>(threadIdx.x),
                [&](std::uint32_t i, float value) {
                  part.add(affine.by_scaled(by[begin + strided(i, stride)]), affine.scaled(value));
                });
  join_block(part, ends + blockIdx.x);
}

struct RowGradient {
  AffineGradient affine;
  EndShares ends;
  float otherwise;
  bool any;
};

__global__ void __launch_bounds__(kThreads)
    finish(const float* values, const float* by, Segments segments, RankOptions options,
           const GradientExtent* extents, const EndSums* ends, float* gradient,
           long long* refused) {
  const Segment segment = segments.at(blockIdx.x);
  const std::int64_t begin = segments.layout.begin(segment.row);
  const std::uint32_t stride = segments.layout.columns;
  __shared__ RowGradient shared_row;
  if (threadIdx.x == 0) {
    const GradientExtent extent = join_row(extents, segments, segment);
    bool allowed;
    shared_row.any = has_gradient(extent.lowest, extent.highest, allowed, shared_row.otherwise);
    shared_row.affine = affine_gradient_of(extent, segments.layout.n, options);
    shared_row.ends = shares_of(join_row(ends, segments, segment));
    if (!allowed) report_row(refused, segment.row);
  }
  __syncthreads();
  const RowGradient row = shared_row;
  segments.each(
      values + begin, segment, static_cast<int>(threadIdx.x), [&](std::uint32_t i, float value) {
        const std::int64_t at = begin + static_cast<std::int64_t>(strided(i, stride));
        gradient[at] = !row.any ? row.otherwise
                                : static_cast<float>(unscaled(row.affine.by_scaled(by[at]),
                                                              row.affine.scaled(value), row.ends,
                                                              row.affine.range.width));
      });
}

}  // namespace

std::size_t affine_gradient_workspace(std::int64_t rows, std::int64_t n) {
  return static_cast<std::size_t>(smaller(rows, rows_a_launch(n)) * segments_of(n)) *
         (sizeof(GradientExtent) + sizeof(EndSums));
}

cudaError_t launch_affine_gradient(const GradientCall& call) {
  const std::int64_t n = call.layout.n;
  const std::int64_t parts = smaller(call.rows, rows_a_launch(n)) * segments_of(n);
  GradientExtent* const extents = static_cast<GradientExtent*>(call.workspace);
  EndSums* const ends = reinterpret_cast<EndSums*>(extents + parts);
  each_launch(
      call.rows, call.layout, rows_a_launch(call.layout.n),
      [&](const Segments& segments, unsigned blocks) {
        measure<<<blocks, kThreads, 0, call.stream>>>(call.values, call.by, segments, extents);
        sum_ends<<<blocks, kThreads, 0, call.stream>>>(call.values, call.by, segments, call.options,
                                                       extents, ends);
        finish<<<blocks, kThreads, 0, call.stream>>>(call.values, call.by, segments, call.options,
                                                     extents, ends, call.gradient, call.refused);
      });
  return cudaGetLastError();
}

}  // namespace infonet::cuda
