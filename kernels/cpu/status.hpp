// The outcome of a kernel: a code for the C interface and one line for the user.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "infonet/kernels.h"

namespace infonet {

struct Status {
  InfonetCode code = INFONET_OK;
  std::string message;

  bool ok() const { return code == INFONET_OK; }
  static Status invalid(std::string message) {
    return {INFONET_INVALID_ARGUMENT, std::move(message)};
  }
  const char* text() const {
    if (!message.empty()) return message.c_str();
    return code == INFONET_OUT_OF_MEMORY ? "out of memory" : "internal error";
  }
};

// body() -> Status; what it throws becomes a failure.
template <typename Body>
Status guarded(const Body& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return {INFONET_OUT_OF_MEMORY, {}};
  } catch (const std::exception& error) {
    try {
      return {INFONET_INTERNAL_ERROR, error.what()};
    } catch (...) {
    }
  } catch (...) {
  }
  return {INFONET_INTERNAL_ERROR, {}};
}

// The message of the calling thread's last failure of a C function.
inline std::string& last_error() {
  thread_local std::string message;
  return message;
}

// What a C function returns that does body() -> Status.
template <typename Body>
int outcome(const Body& body) noexcept {
  Status status = guarded(body);
  last_error() = std::move(status.message);
  return status.code;
}

}  // namespace infonet
