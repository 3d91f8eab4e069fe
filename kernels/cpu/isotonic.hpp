// Soft ranks by isotonic regression (pool adjacent violators).
#pragma once

#include <cstddef>

namespace infonet {

// A run of neighbours in sorted order that share one fitted value. Values are held relative to the
// first of them, so that a run of ties keeps exact ranks however small eps is.
struct Block {
  std::size_t first;  // position in sorted order
  std::size_t count;
  double excess;  // sum over the block of (value - value of the first) / eps
};

// Soft ranks r of n ascending values: with z_i = values_i / eps - i (i from 1) and v the
// non-decreasing least-squares fit of z, r_i = values_i / eps - v_i (Blondel et al., "Fast
// differentiable sorting and ranking", ICML 2020). The ranks replace `values`; `blocks` holds at
// least n entries of working memory. O(n).
void isotonic_soft_rank(double* values, std::size_t n, double eps, Block* blocks);

}  // namespace infonet
