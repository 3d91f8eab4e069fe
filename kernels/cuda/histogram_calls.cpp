// The C interface of joint histograms.
#include "calls.hpp"
#include "infonet/kernels_cuda.h"
#include "joint_histogram.hpp"
#include "soft_rank.hpp"

namespace infonet::cuda {
namespace {

Status histograms(HistogramCall call, std::int64_t grid, std::size_t bytes, int64_t* refused) {
  if (Status status = check_at_least("rows", call.rows, 0); !status.ok()) return status;
  if (Status status = check_at_least("columns", call.columns, 0); !status.ok()) return status;
  if (Status status = check_at_least("stride", call.stride, 1); !status.ok()) return status;
  if (Status status = check_row_length(call.n); !status.ok()) return status;
  if (Status status = check_grid(grid); !status.ok()) return status;
  Device device{};
  if (Status status = current_device(device); !status.ok()) return status;
  const std::size_t needed = histogram_workspace(call.rows, grid, device);
  if (Status status = check_workspace(call.workspace, bytes, needed); !status.ok()) return status;
  if (Status status = clear_refused(refused, call.stream); !status.ok()) return status;
  if (call.rows == 0) return {};
  call.grid = static_cast<std::uint32_t>(grid);
  call.refused = reinterpret_cast<long long*>(refused);
  return checked(launch_histogram(call, device), "the launch of the joint histogram");
}

}  // namespace
}  // namespace infonet::cuda

using namespace infonet;
using namespace infonet::cuda;

extern "C" int infonet_cuda_histogram_workspace(int64_t rows, int64_t grid, size_t* bytes) {
  return guarded([&]() -> Status {
    *bytes = 0;
    if (Status status = check_at_least("rows", rows, 0); !status.ok()) return status;
    if (Status status = check_grid(grid); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    *bytes = histogram_workspace(rows, grid, device);
    return {};
  });
}

extern "C" int infonet_cuda_joint_histogram(const float* x, const float* y, int64_t rows, int64_t n,
                                            int64_t stride, int64_t grid, float* histogram,
                                            void* workspace, size_t workspace_bytes,
                                            int64_t* refused, void* stream) {
  return guarded([&]() -> Status {
    return histograms({x, y, nullptr, rows, rows, n, stride, 0, histogram, workspace, nullptr,
                       static_cast<cudaStream_t>(stream)},
                      grid, workspace_bytes, refused);
  });
}

extern "C" int infonet_cuda_pair_histograms(const float* ranks, int64_t columns, int64_t n,
                                            const int64_t* pairs, int64_t count, int64_t grid,
                                            float* histogram, void* workspace,
                                            size_t workspace_bytes, int64_t* refused,
                                            void* stream) {
  return guarded([&]() -> Status {
    return histograms({ranks, ranks, pairs, columns, count, n, 1, 0, histogram, workspace, nullptr,
                       static_cast<cudaStream_t>(stream)},
                      grid, workspace_bytes, refused);
  });
}
