// A block of threads on the CPU: each phase is run by all threads in turn, in a chosen order, so
// that a result that depends on the order betrays a missing barrier.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "block.hpp"

namespace infonet::test {

enum class Order { kForward, kBackward, kShuffled };

class SimulatedTeam {
 public:
  SimulatedTeam(int threads, Order order) : registers_(threads), order_(threads) {
    std::iota(order_.begin(), order_.end(), 0);
    if (order == Order::kBackward) std::reverse(order_.begin(), order_.end());
    shuffled_ = order == Order::kShuffled;
  }

  int threads() const { return static_cast<int>(registers_.size()); }

  template <typename Phase>
  void each(const Phase& phase) {
    if (shuffled_) {
      for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[next() % i]);
    }
    for (const int thread : order_) phase(thread, registers_[static_cast<std::size_t>(thread)]);
  }

 private:
  std::uint64_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ >> 33;
  }

  std::vector<Registers> registers_;
  std::vector<int> order_;
  bool shuffled_ = false;
  std::uint64_t state_ = 1;
};

}  // namespace infonet::test
