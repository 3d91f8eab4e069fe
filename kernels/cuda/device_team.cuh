// The threads of a CUDA block as a team (shared/block.hpp).
#pragma once

#include "block.hpp"

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

}  // namespace infonet::cuda
