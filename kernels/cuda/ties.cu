// Ties of ranked rows, one block a row: counts by rank, in the block's part of the workspace.
#include "launch.hpp"
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

std::int64_t blocks_of(std::int64_t rows, std::int64_t n) {
  return smaller<std::int64_t>(rows, smaller<std::int64_t>(kMostBlocks, kMostCounts / (2 * n) + 1));
}

}  // namespace

std::size_t ties_workspace(std::int64_t rows, std::int64_t n) {
  return static_cast<std::size_t>(blocks_of(rows, n) * 2 * n) * sizeof(std::uint32_t);
}

cudaError_t launch_ties(const TieCall& call) {
  const unsigned blocks = static_cast<unsigned>(blocks_of(call.rows, call.layout.n));
  count_ties<<<blocks, kThreads, 0, call.stream>>>(
      call.values, call.ranks, call.rows, call.layout.n, call.layout.columns,
      static_cast<std::uint32_t*>(call.workspace), call.entropy);
  return cudaGetLastError();
}

}  // namespace infonet::cuda
