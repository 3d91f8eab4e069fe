#include "calls.hpp"

#include "infonet/kernels_cuda.h"

namespace infonet::cuda {

std::string& last_error() {
  thread_local std::string message;
  return message;
}

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

Status clear_refused(std::int64_t* refused, cudaStream_t stream) {
  if (refused == nullptr) return {};
  return checked(cudaMemsetAsync(refused, 0x7f, sizeof *refused, stream), "cudaMemsetAsync");
}

}  // namespace infonet::cuda

extern "C" const char* infonet_cuda_last_error(void) { return infonet::cuda::last_error().c_str(); }
