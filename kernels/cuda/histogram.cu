// Joint histograms, one block a pair, in shared memory where the grid fits.
#include "launch.hpp"
#include "splat.hpp"

namespace infonet::cuda {
namespace {

constexpr int kThreads = 512;

// A cell of 64 bits as two halves: shared memory adds 32 bits at a time by itself.
__device__ void add_halves(std::uint32_t* cells, std::uint32_t size, std::uint32_t cell,
                           std::uint32_t weight) {
  if (weight == 0) return;
  const std::uint32_t before = atomicAdd(cells + cell, weight);
  if (before + weight < before) atomicAdd(cells + size + cell, 1u);
}

template <bool kShared>
__global__ void __launch_bounds__(kThreads)
    joint_histograms(const float* x, const float* y, const std::int64_t* pairs,
                     std::int64_t columns, long long rows, long long n, long long stride,
                     std::uint32_t grid, std::uint32_t* workspace, float* histogram,
                     long long* refused) {
  extern __shared__ __align__(16) std::uint32_t shared_cells[];
  const std::uint32_t size = grid * grid;
  std::uint32_t* const cells = kShared ? shared_cells : workspace + 2ll * size * blockIdx.x;
  for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
    const std::int64_t first = pairs == nullptr ? row : pairs[2 * row];
    const std::int64_t second = pairs == nullptr ? row : pairs[2 * row + 1];
    const bool there = first >= 0 && first < columns && second >= 0 && second < columns;
    bool bad = !there;
    for (std::uint32_t i = threadIdx.x; i < 2 * size; i += kThreads) cells[i] = 0;
    __syncthreads();
    const float* const x_row = x + (there ? first : 0) * n * stride;
    const float* const y_row = y + (there ? second : 0) * n * stride;
    for (long long i = threadIdx.x; there && i < n; i += kThreads) {
      const float u = x_row[i * stride], v = y_row[i * stride];
      if (!in_unit_interval(u) || !in_unit_interval(v)) {
        bad = true;
        continue;
      }
      splat(locate(u, grid), locate(v, grid), grid, [&](std::uint32_t cell, std::uint32_t weight) {
        add_halves(cells, size, cell, weight);
      });
    }
    const bool spoiled = __syncthreads_or(bad) != 0;
    if (spoiled && refused != nullptr && threadIdx.x == 0) atomicMin(refused, row);
    float* const out = histogram + row * size;
    for (std::uint32_t i = threadIdx.x; i < size; i += kThreads) {
      const std::uint64_t sum = (static_cast<std::uint64_t>(cells[size + i]) << 32) | cells[i];
      out[i] = spoiled ? __int_as_float(0x7fc00000) : points(sum);
    }
    __syncthreads();
  }
}

constexpr std::int64_t kMostGlobalBlocks = 64;

std::size_t bytes_of(std::int64_t grid) {
  return static_cast<std::size_t>(grid * grid) * 2 * sizeof(std::uint32_t);
}

}  // namespace

bool fits_shared_histogram(std::int64_t grid, const Device& device) {
  return bytes_of(grid) <= device.shared_bytes;
}

std::size_t histogram_workspace(std::int64_t rows, std::int64_t grid, const Device& device) {
  if (fits_shared_histogram(grid, device)) return 0;
  return static_cast<std::size_t>(smaller(rows, kMostGlobalBlocks)) * bytes_of(grid);
}

cudaError_t launch_histogram(const HistogramCall& call, const Device& device) {
  const bool shared = fits_shared_histogram(call.grid, device);
  const auto kernel = shared ? joint_histograms<true> : joint_histograms<false>;
  const std::size_t bytes = shared ? bytes_of(call.grid) : 0;
  // The same in every call: another thread may be between its two.
  if (const cudaError_t error =
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(device.shared_bytes));
      error != cudaSuccess) {
    return error;
  }
  const std::int64_t most = shared ? std::int64_t{1} << 20 : kMostGlobalBlocks;
  kernel<<<static_cast<unsigned>(smaller(call.rows, most)), kThreads, bytes, call.stream>>>(
      call.x, call.y, call.pairs, call.columns, call.rows, call.n, call.stride, call.grid,
      static_cast<std::uint32_t*>(call.workspace), call.histogram, call.refused);
  return cudaGetLastError();
}

}  // namespace infonet::cuda
