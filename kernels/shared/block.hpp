// A block of threads in phases. An algorithm is a sequence of calls team.each(phase), where
// phase(thread, registers) is what one thread does until the next barrier, and `registers` is what
// it keeps beyond. On the device a Team is the block of the caller; on the host, in tests, it is a
// loop over the threads in any order (tests/kernels/simulated_block.hpp). Control flow outside of
// phases must be the same in all threads.
#pragma once

#include <cstdint>

#include "convex.hpp"
#include "portable.hpp"
#include "rank_formulas.hpp"

namespace infonet {

// Values a thread holds. Odd, so that threads that step through their values side by side use
// different banks of shared memory.
constexpr int kItems = 27;

// The sums over a run of values for pooling: of the steps, and of z with the run's first value 0.
struct Run {
  Wide steps;
  Wide sum;
};

// What the soft ranks of a block's values need: the first value, and what is added.
struct Fit {
  double origin, offset;
  INFONET_HD double rank(double value, double eps) const { return (value - origin) / eps + offset; }
};

// The state of a walk over sorted places, see ranks.hpp.
struct SoftWalk {
  Fit fit;
  std::uint32_t block;
};

struct AverageWalk {
  std::uint32_t first, last_end;
  AverageScale scale;
};

struct Registers {
  std::uint32_t key[kItems];
  std::uint32_t index[kItems];
  Run run;
  SoftWalk soft;
  AverageWalk average;
};

// Of two runs next to each other, the right one of `length` values.
INFONET_HD Run joined(const Run& left, const Run& right, std::uint32_t length) {
  return {left.steps + right.steps, left.sum + right.sum + left.steps * length};
}

// The first of a thread's values, of `n`; they end where the next thread's begin.
INFONET_HD std::uint32_t items_begin(int thread, std::uint32_t n) {
  return smaller(static_cast<std::uint32_t>(thread) * kItems, n);
}

// The first place in the ascending keys[0, n) with a key of at least (above) `key`.
INFONET_HD std::uint32_t lower_bound(const std::uint32_t* keys, std::uint32_t n,
                                     std::uint32_t key) {
  std::uint32_t low = 0, high = n;
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if (keys[middle] < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

INFONET_HD std::uint32_t upper_bound(const std::uint32_t* keys, std::uint32_t n,
                                     std::uint32_t key) {
  return key == 0xffffffffu ? n : lower_bound(keys, n, key + 1);
}

}  // namespace infonet
