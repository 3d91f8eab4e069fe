// Ties of ranked rows, one block a row: counts by rank, in the block's part of the workspace.
#include <cuda_runtime_api.h>

#include "infonet/ties_cuda.h"
#include "ties.hpp"

namespace infonet::cuda {
namespace {

constexpr int kThreads = 256;
constexpr long long kMostBlocks = 2048;
constexpr long long kMostCounts = 1 << 25;  // of all blocks together: 128 MB

__global__ void __launch_bounds__(kThreads)
    count_ties(const float* values, const float* ranks, long long rows, std::uint32_t n,
               long long columns, std::uint32_t* workspace, double* entropy) {
  __shared__ TieSums shared_sums[kThreads];
  const std::uint32_t size = 2 * n;
  std::uint32_t* const counts = workspace + static_cast<std::size_t>(blockIdx.x) * size;
  for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
    const long long begin = row / columns * n * columns + row % columns;
    int bad = 0;
    for (std::uint32_t i = threadIdx.x; i < size; i += kThreads) counts[i] = 0;
    __syncthreads();
    for (std::uint32_t i = threadIdx.x; i < n; i += kThreads) {
      const long long place = begin + i * columns;
      if (!isfinite(values[place])) bad = 1;
      atomicAdd(counts + tie_bin(ranks[place], n), 1u);
    }
    bad = __syncthreads_or(bad);
    TieSums sums{0.0, 0};
    for (std::uint32_t i = threadIdx.x; i < size; i += kThreads) {
      if (i > 0) sums = joined(sums, tie_sums(__ldcg(counts + i)));  // atomics are made in L2
    }
    shared_sums[threadIdx.x] = sums;
    __syncthreads();
    for (int half = kThreads / 2; half > 0; half /= 2) {
      const int thread = static_cast<int>(threadIdx.x);
      if (thread < half) {
        shared_sums[thread] = joined(shared_sums[thread], shared_sums[thread + half]);
      }
      __syncthreads();
    }
    if (threadIdx.x == 0) {
      const bool spoiled = bad != 0 || __ldcg(counts) > 0;
      entropy[row] =
          spoiled ? __longlong_as_double(0x7ff8000000000000ll) : tie_entropy(shared_sums[0], n);
    }
    __syncthreads();
  }
}

long long blocks_of(long long rows, long long n) {
  return smaller(rows, smaller(kMostBlocks, kMostCounts / (2 * n) + 1));
}

}  // namespace
}  // namespace infonet::cuda

using namespace infonet;
using namespace infonet::cuda;

extern "C" size_t infonet_cuda_tie_entropy_workspace(int64_t rows, int64_t n) {
  if (rows <= 0 || n <= 0) return 0;
  return static_cast<size_t>(blocks_of(rows, n) * 2 * n) * sizeof(std::uint32_t);
}

extern "C" int infonet_cuda_tie_entropy(const float* values, const float* ranks, int64_t rows,
                                        int64_t n, int64_t columns, double* entropy,
                                        void* workspace, void* stream) {
  if (rows == 0) return cudaSuccess;
  if (rows < 0 || columns < 1 || n < 1 || n > INFONET_LONGEST_TIES) return cudaErrorInvalidValue;
  const unsigned blocks = static_cast<unsigned>(blocks_of(rows, n));
  count_ties<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      values, ranks, rows, static_cast<std::uint32_t>(n), columns,
      static_cast<std::uint32_t*>(workspace), entropy);
  return cudaGetLastError();
}

extern "C" const char* infonet_cuda_error_name(int error) {
  return cudaGetErrorName(static_cast<cudaError_t>(error));
}
