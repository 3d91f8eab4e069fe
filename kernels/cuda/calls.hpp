// What the functions of the C interface have in common: errors in words, checks of arguments.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "launch.hpp"
#include "status.hpp"

namespace infonet::cuda {

// The message of the calling thread's last failure.
std::string& last_error();

// Run body() -> Status; no exception crosses the C interface.
template <typename Body>
int guarded(const Body& body) noexcept {
  try {
    Status status = body();
    last_error() = std::move(status.message);
    return status.code;
  } catch (const std::bad_alloc&) {
    last_error().clear();
    return INFONET_OUT_OF_MEMORY;
  } catch (const std::exception&) {
    last_error().clear();
    return INFONET_INTERNAL_ERROR;
  }
}

// `doing` failed, if it did.
Status checked(cudaError_t error, const char* doing);

Status current_device(Device& device);
Status check_at_least(const char* name, std::int64_t value, std::int64_t least);
Status check_workspace(const void* workspace, std::size_t bytes, std::size_t needed);

// *refused, if there is one, becomes larger than any row.
Status clear_refused(std::int64_t* refused, cudaStream_t stream);

}  // namespace infonet::cuda
