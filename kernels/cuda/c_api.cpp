// The C interface of the CUDA kernels: checks, the choice of a kernel, errors in words.
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "convex.hpp"
#include "histogram.hpp"
#include "infonet/kernels_cuda.h"
#include "launch.hpp"
#include "soft_rank.hpp"
#include "status.hpp"

namespace infonet::cuda {
namespace {

// `doing` failed, if it did.
Status checked(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return {};
  const std::string name = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error);
  const auto failure = [](int code, std::string message) {
    return Status{static_cast<InfonetCode>(code), std::move(message)};
  };
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

Status check_at_least(const char* name, std::int64_t value, std::int64_t least) {
  if (value >= least) return {};
  return Status::invalid(std::string(name) + ": got " + std::to_string(value) + "; at least " +
                         std::to_string(least));
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

// *refused, if there is one, becomes larger than any row.
Status clear_refused(std::int64_t* refused, cudaStream_t stream) {
  if (refused == nullptr) return {};
  return checked(cudaMemsetAsync(refused, 0x7f, sizeof *refused, stream), "cudaMemsetAsync");
}

constexpr std::int64_t kMostValues = std::int64_t{1} << 40;

Status check_rows(std::int64_t rows, std::int64_t n, std::int64_t columns) {
  if (Status status = check_at_least("rows", rows, 0); !status.ok()) return status;
  if (Status status = check_at_least("columns", columns, 1); !status.ok()) return status;
  if (n < 0 || n > kLongestRow) {
    return Status::invalid("values: got rows of " + std::to_string(n) +
                           " values; allowed are 0 to " + std::to_string(kLongestRow) +
                           " on a GPU");
  }
  if (rows % columns != 0) {
    return Status::invalid("rows: got " + std::to_string(rows) + ", which is no multiple of the " +
                           std::to_string(columns) + " columns");
  }
  if (n > 0 && rows > kMostValues / n) {
    return Status::invalid("values: got " + std::to_string(rows) + " rows of " + std::to_string(n) +
                           " values; at most 2^40 values are ranked at a time");
  }
  if (rows > 0 && columns > INT32_MAX) {
    return Status::invalid("columns: got " + std::to_string(columns) + "; at most 2^31 - 1");
  }
  return {};
}

template <typename Call>
struct Plan {
  std::size_t bytes;
  cudaError_t (*launch)(const Call&, const Device&);
};

#if !defined(INFONET_CUDA_LONG_SOFT_RANK)
Status no_long_soft_rank(const char* what, std::int64_t n, double eps) {
  std::ostringstream message;
  message << "eps: got " << eps << " for rows of " << n << " values; " << what
          << " with 0 < eps < 2 / n are not in this build of the CUDA kernels: build them with "
             "-DINFONET_CUDA_LONG_SOFT_RANK=ON, or use eps = 0, an eps from 2 / n up, or the CPU";
  return Status::invalid(message.str());
}
#endif

Status find_plan(std::int64_t rows, std::int64_t n, const RankOptions& options,
                 const Device& device, Plan<RankCall>& plan) {
  if (options.eps > 0.0 && is_one_block(static_cast<std::size_t>(n), options.eps)) {
    plan = {affine_workspace(rows, n),
            [](const RankCall& call, const Device&) { return launch_affine(call); }};
  } else if (fits_short_rows(n, device)) {
    plan = {short_rows_workspace(rows, n, options), launch_short_rows};
  } else if (options.eps == 0.0) {
    plan = {long_rows_workspace(rows, n),
            [](const RankCall& call, const Device&) { return launch_long_rows(call); }};
  } else {
#if defined(INFONET_CUDA_LONG_SOFT_RANK)
    plan = {long_soft_rows_workspace(rows, n),
            [](const RankCall& call, const Device&) { return launch_long_soft_rows(call); }};
#else
    return no_long_soft_rank("ranks of rows beyond shared memory", n, options.eps);
#endif
  }
  return {};
}

Status find_plan(std::int64_t rows, std::int64_t n, const RankOptions& options, const Device&,
                 Plan<GradientCall>& plan) {
  if (is_one_block(static_cast<std::size_t>(n), options.eps)) {
    plan = {affine_gradient_workspace(rows, n),
            [](const GradientCall& call, const Device&) { return launch_affine_gradient(call); }};
    return {};
  }
#if defined(INFONET_CUDA_LONG_SOFT_RANK)
  plan = {gradient_workspace(rows, n),
          [](const GradientCall& call, const Device&) { return launch_gradient(call); }};
  return {};
#else
  return no_long_soft_rank("gradients of ranks", n, options.eps);
#endif
}

Status check_call(std::int64_t rows, std::int64_t n, std::int64_t columns,
                  const RankOptions& options, bool gradient) {
  if (Status status = check_rows(rows, n, columns); !status.ok()) return status;
  if (Status status = check_options(options); !status.ok()) return status;
  if (!gradient || options.eps > 0.0) return {};
  return Status::invalid("eps: got 0; ranks that are piecewise constant have the gradient 0");
}

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

Status check_ties(std::int64_t rows, std::int64_t n, std::int64_t columns) {
  if (Status status = check_rows(rows, n, columns); !status.ok()) return status;
  if (n >= 1 && n <= INFONET_LONGEST_TIES) return {};
  return Status::invalid("values: got rows of " + std::to_string(n) + " values; ties of 1 to " +
                         std::to_string(INFONET_LONGEST_TIES) + " are counted on a GPU");
}

}  // namespace
}  // namespace infonet::cuda

using namespace infonet;
using namespace infonet::cuda;

extern "C" const char* infonet_cuda_last_error(void) { return last_error().c_str(); }

extern "C" int infonet_cuda_check(void) {
  return outcome([]() -> Status {
    Device device{};
    return current_device(device);
  });
}

extern "C" int infonet_cuda_soft_rank_workspace(int64_t rows, int64_t n, double eps,
                                                size_t* bytes) {
  return outcome([&]() -> Status {
    *bytes = 0;
    const RankOptions options{eps, INFONET_MIDRANK};
    if (Status status = check_call(rows, n, 1, options, false); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    if (rows == 0 || n == 0) return {};
    Plan<RankCall> plan{};
    Status status = find_plan(rows, n, options, device, plan);
    *bytes = plan.bytes;
    return status;
  });
}

extern "C" int infonet_cuda_soft_rank(const float* values, int64_t rows, int64_t n, int64_t columns,
                                      double eps, int normalize, float* ranks, void* workspace,
                                      size_t workspace_bytes, int64_t* refused, void* stream) {
  return outcome([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_call(rows, n, columns, options, false); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    const cudaStream_t on = static_cast<cudaStream_t>(stream);
    if (rows == 0 || n == 0) return clear_refused(refused, on);
    Plan<RankCall> plan{};
    if (Status status = find_plan(rows, n, options, device, plan); !status.ok()) return status;
    if (Status status = check_workspace(workspace, workspace_bytes, plan.bytes); !status.ok()) {
      return status;
    }
    if (Status status = clear_refused(refused, on); !status.ok()) return status;
    const RowLayout layout{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(columns)};
    return checked(plan.launch({values, rows, layout, options, ranks, workspace,
                                reinterpret_cast<long long*>(refused), on},
                               device),
                   "the launch of the soft rank");
  });
}

extern "C" int infonet_cuda_soft_rank_backward_workspace(int64_t rows, int64_t n, double eps,
                                                         size_t* bytes) {
  return outcome([&]() -> Status {
    *bytes = 0;
    const RankOptions options{eps, INFONET_MIDRANK};
    if (Status status = check_call(rows, n, 1, options, true); !status.ok()) return status;
    if (rows == 0 || n == 0) return {};
    Plan<GradientCall> plan{};
    Status status = find_plan(rows, n, options, Device{}, plan);
    *bytes = plan.bytes;
    return status;
  });
}

extern "C" int infonet_cuda_soft_rank_backward(const float* values, const float* by, int64_t rows,
                                               int64_t n, int64_t columns, double eps,
                                               int normalize, float* gradient, void* workspace,
                                               size_t workspace_bytes, int64_t* refused,
                                               void* stream) {
  return outcome([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_call(rows, n, columns, options, true); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    const cudaStream_t on = static_cast<cudaStream_t>(stream);
    if (rows == 0 || n == 0) return clear_refused(refused, on);
    Plan<GradientCall> plan{};
    if (Status status = find_plan(rows, n, options, device, plan); !status.ok()) return status;
    if (Status status = check_workspace(workspace, workspace_bytes, plan.bytes); !status.ok()) {
      return status;
    }
    if (Status status = clear_refused(refused, on); !status.ok()) return status;
    const RowLayout layout{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(columns)};
    return checked(plan.launch({values, by, rows, layout, options, gradient, workspace,
                                reinterpret_cast<long long*>(refused), on},
                               device),
                   "the launch of the gradient of the soft rank");
  });
}

extern "C" int infonet_cuda_histogram_workspace(int64_t rows, int64_t grid, size_t* bytes) {
  return outcome([&]() -> Status {
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
  return outcome([&]() -> Status {
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
  return outcome([&]() -> Status {
    return histograms({ranks, ranks, pairs, columns, count, n, 1, 0, histogram, workspace, nullptr,
                       static_cast<cudaStream_t>(stream)},
                      grid, workspace_bytes, refused);
  });
}

extern "C" int infonet_cuda_tie_entropy_workspace(int64_t rows, int64_t n, size_t* bytes) {
  return outcome([&]() -> Status {
    *bytes = 0;
    if (Status status = check_ties(rows, n, 1); !status.ok()) return status;
    if (rows > 0) *bytes = ties_workspace(rows, n);
    return {};
  });
}

extern "C" int infonet_cuda_tie_entropy(const float* values, const float* ranks, int64_t rows,
                                        int64_t n, int64_t columns, double* entropy,
                                        void* workspace, size_t workspace_bytes, void* stream) {
  return outcome([&]() -> Status {
    if (Status status = check_ties(rows, n, columns); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    if (rows == 0) return {};
    const std::size_t needed = ties_workspace(rows, n);
    if (Status status = check_workspace(workspace, workspace_bytes, needed); !status.ok()) {
      return status;
    }
    const RowLayout layout{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(columns)};
    return checked(launch_ties({values, ranks, rows, layout, entropy, workspace,
                                static_cast<cudaStream_t>(stream)}),
                   "the launch of the tie counts");
  });
}
