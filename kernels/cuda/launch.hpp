// What the parts of the CUDA library share: a call, and what the device can do.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "infonet/kernels.h"
#include "ranks.hpp"
#include "row_layout.hpp"

namespace infonet::cuda {

struct Device {
  std::size_t shared_bytes;  // the most a block may have
};

// Blocks of a launch: fewer than a grid may have.
constexpr std::int64_t kMostBlocksALaunch = std::int64_t{1} << 30;

// All pointers are to device memory; values and ranks are `rows` rows in the layout.
struct RankCall {
  const float* values;
  std::int64_t rows;
  RowLayout layout;
  RankOptions options;
  float* ranks;
  void* workspace;
  long long* refused;
  cudaStream_t stream;
};

// The gradient of soft ranks, eps > 0: `by` the ranks, and the result, lie as the values.
struct GradientCall {
  const float* values;
  const float* by;
  std::int64_t rows;
  RowLayout layout;
  RankOptions options;
  float* gradient;
  void* workspace;
  long long* refused;
  cudaStream_t stream;
};

// Rows that fit into shared memory.
bool fits_short_rows(std::int64_t n, const Device& device);
std::size_t short_rows_workspace(std::int64_t rows, std::int64_t n, const RankOptions& options);
cudaError_t launch_short_rows(const RankCall& call, const Device& device);

// Average ranks of longer rows.
constexpr std::int64_t kLongestRow = std::int64_t{1} << 26;
std::size_t long_rows_workspace(std::int64_t rows, std::int64_t n);
cudaError_t launch_long_rows(const RankCall& call);

// Soft ranks of longer rows, and the gradient of rows of any length, where pooling makes more than
// one block: compiled with INFONET_CUDA_LONG_SOFT_RANK.
std::size_t long_soft_rows_workspace(std::int64_t rows, std::int64_t n);
cudaError_t launch_long_soft_rows(const RankCall& call);
std::size_t gradient_workspace(std::int64_t rows, std::int64_t n);
cudaError_t launch_gradient(const GradientCall& call);

// Rows that pooling puts into one block, n eps >= 2: no sort.
std::size_t affine_workspace(std::int64_t rows, std::int64_t n);
cudaError_t launch_affine(const RankCall& call);
std::size_t affine_gradient_workspace(std::int64_t rows, std::int64_t n);
cudaError_t launch_affine_gradient(const GradientCall& call);

// Histograms: `pairs` [rows, 2] names rows of x [columns, n] for both axes, or is null and x and y
// are [rows, n]. The values of x, and of y, lie `stride` apart.
struct HistogramCall {
  const float* x;
  const float* y;
  const std::int64_t* pairs;
  std::int64_t columns, rows, n, stride;
  std::uint32_t grid;
  float* histogram;
  void* workspace;
  long long* refused;
  cudaStream_t stream;
};
bool fits_shared_histogram(std::int64_t grid, const Device& device);
std::size_t histogram_workspace(std::int64_t rows, std::int64_t grid, const Device& device);
cudaError_t launch_histogram(const HistogramCall& call, const Device& device);

// The entropy of rows of at least one value, from their average ranks.
struct TieCall {
  const float* values;
  const float* ranks;
  std::int64_t rows;
  RowLayout layout;
  double* entropy;
  void* workspace;
  cudaStream_t stream;
};
std::size_t ties_workspace(std::int64_t rows, std::int64_t n);
cudaError_t launch_ties(const TieCall& call);

}  // namespace infonet::cuda
