// The C interface of soft ranks and their gradient: checks, and the choice of a kernel.
#include "calls.hpp"
#include "convex.hpp"
#include "infonet/kernels_cuda.h"
#include "soft_rank.hpp"

namespace infonet::cuda {
namespace {

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

struct Plan {
  std::size_t bytes;
  cudaError_t (*launch)(const RankCall&, const Device&);
};

Plan plan(std::int64_t rows, std::int64_t n, const RankOptions& options, const Device& device) {
  if (options.eps > 0.0 && is_one_block(static_cast<std::size_t>(n), options.eps)) {
    return {affine_workspace(rows, n),
            [](const RankCall& call, const Device&) { return launch_affine(call); }};
  }
  if (fits_short_rows(n, device)) {
    return {short_rows_workspace(rows, n, options), launch_short_rows};
  }
  return {long_rows_workspace(rows, n, options),
          [](const RankCall& call, const Device&) { return launch_long_rows(call); }};
}

struct GradientPlan {
  std::size_t bytes;
  cudaError_t (*launch)(const GradientCall&);
};

GradientPlan gradient_plan(std::int64_t rows, std::int64_t n, const RankOptions& options) {
  if (is_one_block(static_cast<std::size_t>(n), options.eps)) {
    return {affine_gradient_workspace(rows, n), launch_affine_gradient};
  }
  return {gradient_workspace(rows, n, options), launch_gradient};
}

Status check_call(std::int64_t rows, std::int64_t n, std::int64_t columns,
                  const RankOptions& options, bool gradient) {
  if (Status status = check_rows(rows, n, columns); !status.ok()) return status;
  if (Status status = check_options({options.eps, options.normalize}); !status.ok()) return status;
  if (!gradient || options.eps > 0.0) return {};
  return Status::invalid("eps: got 0; ranks that are piecewise constant have the gradient 0");
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
    const RankOptions options{eps, INFONET_MIDRANK};
    if (Status status = check_call(rows, n, 1, options, false); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    if (rows > 0 && n > 0) *bytes = plan(rows, n, options, device).bytes;
    return {};
  });
}

extern "C" int infonet_cuda_soft_rank(const float* values, int64_t rows, int64_t n, int64_t columns,
                                      double eps, int normalize, float* ranks, void* workspace,
                                      size_t workspace_bytes, int64_t* refused, void* stream) {
  return guarded([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_call(rows, n, columns, options, false); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    const cudaStream_t on = static_cast<cudaStream_t>(stream);
    if (rows == 0 || n == 0) return clear_refused(refused, on);
    const Plan chosen = plan(rows, n, options, device);
    if (Status status = check_workspace(workspace, workspace_bytes, chosen.bytes); !status.ok()) {
      return status;
    }
    if (Status status = clear_refused(refused, on); !status.ok()) return status;
    const RowLayout layout{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(columns)};
    return checked(chosen.launch({values, rows, layout, options, ranks, workspace,
                                  reinterpret_cast<long long*>(refused), on},
                                 device),
                   "the launch of the soft rank");
  });
}

extern "C" int infonet_cuda_soft_rank_backward_workspace(int64_t rows, int64_t n, double eps,
                                                         size_t* bytes) {
  return guarded([&]() -> Status {
    *bytes = 0;
    const RankOptions options{eps, INFONET_MIDRANK};
    if (Status status = check_call(rows, n, 1, options, true); !status.ok()) return status;
    if (rows > 0 && n > 0) *bytes = gradient_plan(rows, n, options).bytes;
    return {};
  });
}

extern "C" int infonet_cuda_soft_rank_backward(const float* values, const float* by, int64_t rows,
                                               int64_t n, int64_t columns, double eps,
                                               int normalize, float* gradient, void* workspace,
                                               size_t workspace_bytes, int64_t* refused,
                                               void* stream) {
  return guarded([&]() -> Status {
    const RankOptions options{eps, static_cast<InfonetNormalize>(normalize)};
    if (Status status = check_call(rows, n, columns, options, true); !status.ok()) return status;
    Device device{};
    if (Status status = current_device(device); !status.ok()) return status;
    const cudaStream_t on = static_cast<cudaStream_t>(stream);
    if (rows == 0 || n == 0) return clear_refused(refused, on);
    const GradientPlan chosen = gradient_plan(rows, n, options);
    if (Status status = check_workspace(workspace, workspace_bytes, chosen.bytes); !status.ok()) {
      return status;
    }
    if (Status status = clear_refused(refused, on); !status.ok()) return status;
    const RowLayout layout{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(columns)};
    return checked(chosen.launch({values, by, rows, layout, options, gradient, workspace,
                                  reinterpret_cast<long long*>(refused), on}),
                   "the launch of the gradient of the soft rank");
  });
}
