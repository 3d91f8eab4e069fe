// The C interface: checks, the choice of a kernel, and errors in words.
#include <cuda_runtime_api.h>

#include <exception>
#include <string>

#include "infonet/kernels_cuda.h"
#include "joint_histogram.hpp"
#include "launch.hpp"
#include "soft_rank.hpp"
#include "status.hpp"

namespace infonet::cuda {
namespace {

thread_local std::string last_error;

Status failure(int code, std::string message) {
  return {static_cast<InfonetCode>(code), std::move(message)};
}

Status checked(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return {};
  const std::string name = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error);
  switch (error) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorSystemDriverMismatch:
      return failure(INFONET_NO_DEVICE,
                     "CUDA: " + std::string(doing) + " failed with " + name +
                         "; an NVIDIA GPU of compute capability 7.5 or higher and a driver for "
                         "CUDA 13 are needed (nvidia-smi shows both), or device='cpu'");
    default:
      return failure(INFONET_CUDA_ERROR, "CUDA: " + std::string(doing) + " failed with " + name);
  }
}

template <typename Body>
int guarded(const Body& body) noexcept {
  try {
    Status status = body();
    last_error = std::move(status.message);
    return status.code;
  } catch (const std::bad_alloc&) {
    last_error.clear();
    return INFONET_OUT_OF_MEMORY;
  } catch (const std::exception&) {
    last_error.clear();
    return INFONET_INTERNAL_ERROR;
  }
}

Status current_device(Device& device) {
  int ordinal = 0, bytes = 0;
  if (Status status = checked(cudaGetDevice(&ordinal), "cudaGetDevice"); !status.ok()) {
    return status;
  }
  Status status =
      checked(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, ordinal),
              "cudaDeviceGetAttribute");
  device.shared_bytes = static_cast<std::size_t>(bytes);
  return status;
}

Status at_least_zero(const char* name, std::int64_t value) {
  if (value >= 0) return {};
  return Status::invalid(std::string(name) + ": got " + std::to_string(value) + "; at least 0");
}

Status check_ranking(std::int64_t rows, std::int64_t n, const SoftRankOptions& options) {
  if (Status status = at_least_zero("rows", rows); !status.ok()) return status;
  if (n < 0 || n > kLongestRow) {
    return Status::invalid("values: got rows of " + std::to_string(n) +
                           " values; allowed are 0 to " + std::to_string(kLongestRow) +
                           " on a GPU");
  }
  if (Status status = check_options(options); !status.ok()) return status;
  if (n > 0 && rows > (std::int64_t{1} << 40) / n) {
    return Status::invalid("values: got " + std::to_string(rows) + " rows of " + std::to_string(n) +
                           " values; at most 2^40 values are ranked at a time");
  }
  return {};
}

Status check_workspace(const void* workspace, std::size_t bytes, std::size_t needed) {
  if (needed == 0) return {};
  if (workspace == nullptr || bytes < needed) {
    return Status::invalid("workspace: got " + std::to_string(workspace == nullptr ? 0 : bytes) +
                           " bytes; " + std::to_string(needed) + " are needed");
  }
  if (reinterpret_cast<std::uintptr_t>(workspace) % 16 == 0) return {};
  return Status::invalid("workspace: its address must be a multiple of 16");
}

// Every byte 0x7f: larger than any row.
Status clear_refused(int64_t* refused, cudaStream_t stream) {
  if (refused == nullptr) return {};
  return checked(cudaMemsetAsync(refused, 0x7f, sizeof *refused, stream), "cudaMemsetAsync");
}

struct Plan {
  std::size_t bytes;
  cudaError_t (*launch)(const RankCall&);
};

Plan plan(std::int64_t rows, std::int64_t n, const RankOptions& options, const Device& device) {
  if (options.eps > 0.0 && is_one_block(static_cast<std::size_t>(n), options.eps)) {
    return {affine_workspace(rows, n), launch_affine};
  }
  if (fits_short_rows(n, device))
    return {short_rows_workspace(rows, n, options), launch_short_rows};
  return {long_rows_workspace(rows, n, options), launch_long_rows};
}

Status histograms(HistogramCall call, std::int64_t grid, std::size_t bytes, int64_t* refused) {
  if (Status status = at_least_zero("rows", call.rows); !status.ok()) return status;
  if (Status status = at_least_zero("columns", call.columns); !status.ok()) return status;
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

extern "C" int infonet_cuda_check(void) {
  return guarded([]() -> Status {
    Device device{};
    return current_device(device);
  });
}

extern "C" int infonet_cuda_soft_rank_workspace(int64_t rows, int64_t n, double eps,
                                                size_t* bytes) {
  return guarded([&]() -> Status {
    *bytes = 0;
    if (Status status = check_ranking(rows, n, {eps, INFONET_MIDRANK}); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    if (rows > 0 && n > 0) *bytes = plan(rows, n, {eps, INFONET_MIDRANK}, device).bytes;
    return {};
  });
}

extern "C" int infonet_cuda_soft_rank(const float* values, int64_t rows, int64_t n, double eps,
                                      int normalize, float* ranks, void* workspace,
                                      size_t workspace_bytes, int64_t* refused, void* stream) {
  return guarded([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_ranking(rows, n, {eps, options.normalize}); !status.ok()) {
      return status;
    }
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    const cudaStream_t on = static_cast<cudaStream_t>(stream);
    if (rows == 0 || n == 0) return clear_refused(refused, on);
    const Plan chosen = plan(rows, n, options, device);
    if (Status status = check_workspace(workspace, workspace_bytes, chosen.bytes); !status.ok()) {
      return status;
    }
    if (Status status = clear_refused(refused, on); !status.ok()) return status;
    return checked(chosen.launch({values, rows, n, options, ranks, workspace,
                                  reinterpret_cast<long long*>(refused), on}),
                   "the launch of the soft rank");
  });
}

extern "C" int infonet_cuda_histogram_workspace(int64_t rows, int64_t grid, size_t* bytes) {
  return guarded([&]() -> Status {
    *bytes = 0;
    if (Status status = at_least_zero("rows", rows); !status.ok()) return status;
    if (Status status = check_grid(grid); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    *bytes = histogram_workspace(rows, grid, device);
    return {};
  });
}

extern "C" int infonet_cuda_joint_histogram(const float* x, const float* y, int64_t rows, int64_t n,
                                            int64_t grid, float* histogram, void* workspace,
                                            size_t workspace_bytes, int64_t* refused,
                                            void* stream) {
  return guarded([&]() -> Status {
    return histograms({x, y, nullptr, rows, rows, n, 0, histogram, workspace, nullptr,
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
    return histograms({ranks, ranks, pairs, columns, count, n, 0, histogram, workspace, nullptr,
                       static_cast<cudaStream_t>(stream)},
                      grid, workspace_bytes, refused);
  });
}

extern "C" const char* infonet_cuda_last_error(void) { return last_error.c_str(); }
