// Independent jobs over a bounded number of threads, and the first of their failures.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "status.hpp"

namespace infonet {

// The failure of the lowest index among jobs that run in any order.
class FirstFailure {
 public:
  // Run job(i) -> Status and keep its failure if it is the first one. Throws nothing.
  template <typename Job>
  void run(std::int64_t i, const Job& job) noexcept {
    Status status = guarded([&] { return job(i); });
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

// Call job(i) -> Status for i in [0, count) on at most `threads` threads, the caller's included.
// Each job is done by one thread from start to end, so results do not depend on `threads`.
// All jobs run; the failure of the lowest index is returned. Threads live for this call only:
// nothing is left behind for a fork or an interpreter's shutdown.
template <typename Job>
Status parallel_for(std::int64_t count, int threads, const Job& job) {
  std::atomic<std::int64_t> next{0};
  FirstFailure failure;
  const auto work = [&] {
    for (std::int64_t i = next++; i < count; i = next++) failure.run(i, job);
  };
  std::vector<std::thread> helpers;
  const std::int64_t wanted = threads < count ? threads : count;
  if (wanted > 1) helpers.reserve(static_cast<std::size_t>(wanted - 1));
  try {
    for (std::int64_t i = 1; i < wanted; ++i) helpers.emplace_back(work);
  } catch (const std::exception&) {
    // No more threads, or no memory for them: the ones there are do the work.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  return failure.take();
}

}  // namespace infonet
