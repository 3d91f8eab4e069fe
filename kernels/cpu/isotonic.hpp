// Soft ranks by isotonic regression (pool adjacent violators).
#pragma once

#include <cstddef>

#include "convex.hpp"

namespace infonet {

// A run of neighbours in sorted order that share one fitted value. Values are held relative to the
// first of them, so that a run of ties keeps exact ranks however small eps is.
struct Block {
  std::size_t first;  // position in sorted order
  std::size_t count;
  double excess;  // sum over the block of (value - value of the first) / eps
};

// Where a block begins while pooling goes on: the sums of z up to there and up to its second value.
struct Vertex {
  Point begin;
  Wide second;
};

// The blocks of the non-decreasing least-squares fit v of z_i = values_i / eps - i (i from 1), for
// n ascending values. `vertices` and `blocks` hold at least n entries each; returns how many blocks
// there are. O(n). Decisions are exact for z in the fixed point of convex.hpp.
std::size_t pool_adjacent_violators(const double* values, std::size_t n, double eps,
                                    Vertex* vertices, Block* blocks);

// Soft ranks r_i = values_i / eps - v_i of the pooled values (Blondel et al., "Fast differentiable
// sorting and ranking", ICML 2020), in their place.
void ranks_of_blocks(double* values, double eps, const Block* blocks, std::size_t used);

// The gradient by the values of a gradient by their soft ranks, in its place: a block's ranks are
// values / eps plus a constant that keeps their mean, so its gradient loses its mean. A value that
// is a block of its own has a constant rank and the gradient 0. The blocks are taken as fixed,
// which they are almost everywhere.
void gradient_of_blocks(double* gradient, double eps, const Block* blocks, std::size_t used);

}  // namespace infonet
