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

// The blocks of the non-decreasing least-squares fit v of z_i = values_i / eps - i (i from 1), for
// n ascending values. `blocks` holds at least n entries; returns how many are used. O(n).
std::size_t pool_adjacent_violators(const double* values, std::size_t n, double eps, Block* blocks);

// Soft ranks r_i = values_i / eps - v_i of the pooled values (Blondel et al., "Fast differentiable
// sorting and ranking", ICML 2020), in their place.
void ranks_of_blocks(double* values, double eps, const Block* blocks, std::size_t used);

// The gradient by the values of a gradient by their soft ranks, in its place: a block's ranks are
// values / eps plus a constant that keeps their mean, so its gradient loses its mean. A value that
// is a block of its own has a constant rank and the gradient 0. The blocks are taken as fixed,
// which they are almost everywhere.
void gradient_of_blocks(double* gradient, double eps, const Block* blocks, std::size_t used);

}  // namespace infonet
