// Independent jobs over a bounded number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

#include "first_failure.hpp"
#include "status.hpp"

namespace infonet {

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
