// The failure of the lowest index among jobs that run in any order.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>
#include <new>
#include <utility>

#include "status.hpp"

namespace infonet {

class FirstFailure {
 public:
  // Run job(i) -> Status and keep its failure if it is the first one. Throws nothing.
  template <typename Job>
  void run(std::int64_t i, const Job& job) noexcept {
    Status status;
    try {
      status = job(i);
    } catch (const std::bad_alloc&) {
      status.code = INFONET_OUT_OF_MEMORY;
    } catch (...) {
      status.code = INFONET_INTERNAL_ERROR;
    }
    if (status.ok()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (i >= index_) return;
    index_ = i;
    status_ = std::move(status);
  }

  // Once every job is over.
  Status take() { return std::move(status_); }

 private:
  std::mutex mutex_;
  std::int64_t index_ = std::numeric_limits<std::int64_t>::max();
  Status status_;
};

}  // namespace infonet
