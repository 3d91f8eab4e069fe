// What the kernels share: the threads of a block as a team (shared/block.hpp), the rows that they
// refuse, launches over segments (shared/segments.hpp).
#pragma once

#include "block.hpp"
#include "launch.hpp"
#include "segments.hpp"

namespace infonet::cuda {

class DeviceTeam {
 public:
  __device__ int threads() const { return static_cast<int>(blockDim.x); }

  template <typename Phase>
  __device__ __forceinline__ void each(const Phase& phase) {
    phase(static_cast<int>(threadIdx.x), registers_);
    __syncthreads();
  }

 private:
  Registers registers_;
};

// The smallest row that was refused; the caller has filled it with ones of some kind.
__device__ inline void report_row(long long* refused, long long row) {
  if (refused != nullptr && threadIdx.x == 0) atomicMin(refused, row);
}

// Threads of a block that works on a segment.
constexpr int kThreads = kSegmentThreads;

// As many rows as a grid holds.
inline std::int64_t rows_a_launch(std::int64_t n) { return kMostBlocksALaunch / segments_of(n); }

}  // namespace infonet::cuda
