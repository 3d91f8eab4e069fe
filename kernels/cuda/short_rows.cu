// Ranks of rows that fit into shared memory, one block a row.
#include "block_row.hpp"
#include "device.cuh"

namespace infonet::cuda {
namespace {

constexpr int kMostThreads = 640;
constexpr std::int64_t kMostBlocks = 1024;  // each has its own sums; several fit a multiprocessor

template <bool kSoft>
__global__ void __launch_bounds__(kMostThreads)
    rank_rows(const float* values, long long rows, RowLayout layout, RankOptions options,
              Wide* sums, float* ranks, long long* refused) {
  extern __shared__ __align__(16) unsigned char memory[];
  DeviceTeam team;
  const RowMemory row_memory_of = row_memory(memory, team.threads());
  const std::uint32_t n = layout.n;
  Wide* const own_sums = kSoft ? sums + static_cast<long long>(blockIdx.x) * (n + 1) : nullptr;
  for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
    const std::int64_t begin = layout.begin(row);
    if (!rank_row<kSoft>(team, row_memory_of, values + begin, n, layout.columns, options, own_sums,
                         ranks + begin)) {
      report_row(refused, row);
    }
  }
}

int threads_for(std::int64_t n) {
  return static_cast<int>((n + 32 * kItems - 1) / (32 * kItems)) * 32;
}

std::size_t memory_for(std::int64_t n) { return row_memory_bytes(threads_for(n)); }

}  // namespace

bool fits_short_rows(std::int64_t n, const Device& device) {
  return n <= std::int64_t{kMostThreads} * kItems && memory_for(n) <= device.shared_bytes;
}

std::size_t short_rows_workspace(std::int64_t rows, std::int64_t n, const RankOptions& options) {
  if (options.eps == 0.0) return 0;
  return static_cast<std::size_t>(smaller(rows, kMostBlocks) * (n + 1)) * sizeof(Wide);
}

cudaError_t launch_short_rows(const RankCall& call, const Device& device) {
  const bool soft = call.options.eps > 0.0;
  const auto kernel = soft ? rank_rows<true> : rank_rows<false>;
  // The same in every call: another thread may be between its two.
  if (const cudaError_t error =
          cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(device.shared_bytes));
      error != cudaSuccess) {
    return error;
  }
  const unsigned blocks = static_cast<unsigned>(soft ? smaller(call.rows, kMostBlocks)
                                                     : smaller(call.rows, std::int64_t{1} << 20));
  const std::int64_t n = call.layout.n;
  kernel<<<blocks, threads_for(n), memory_for(n), call.stream>>>(
      call.values, call.rows, call.layout, call.options, static_cast<Wide*>(call.workspace),
      call.ranks, call.refused);
  return cudaGetLastError();
}

}  // namespace infonet::cuda
