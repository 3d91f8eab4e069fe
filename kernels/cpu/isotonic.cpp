#include "isotonic.hpp"

namespace infonet {
namespace {

// Whether the mean of z over `left` is at least that over `right`, its neighbour.
bool violates(const Block& left, const Block& right, const double* values, double eps) {
  const double left_count = static_cast<double>(left.count);
  const double right_count = static_cast<double>(right.count);
  const double gap = (values[right.first] - values[left.first]) / eps;
  const double ranks_apart = (left_count + right_count) / 2;  // between the blocks' mean ranks
  return left.excess / left_count + ranks_apart >= right.excess / right_count + gap;
}

Block merge(const Block& left, const Block& right, const double* values, double eps) {
  const double gap = (values[right.first] - values[left.first]) / eps;
  return {left.first, left.count + right.count,
          left.excess + right.excess + gap * static_cast<double>(right.count)};
}

}  // namespace

std::size_t pool_adjacent_violators(const double* values, std::size_t n, double eps,
                                    Block* blocks) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Block block{i, 1, 0.0};
    while (used > 0 && violates(blocks[used - 1], block, values, eps)) {
      block = merge(blocks[--used], block, values, eps);
    }
    blocks[used++] = block;
  }
  return used;
}

void ranks_of_blocks(double* values, double eps, const Block* blocks, std::size_t used) {
  for (std::size_t b = 0; b < used; ++b) {
    const Block& block = blocks[b];
    const double count = static_cast<double>(block.count);
    const double mean_rank = static_cast<double>(block.first) + (count + 1) / 2;
    const double offset = mean_rank - block.excess / count;
    const double origin = values[block.first];
    for (std::size_t i = block.first; i < block.first + block.count; ++i) {
      values[i] = (values[i] - origin) / eps + offset;
    }
  }
}

void gradient_of_blocks(double* gradient, double eps, const Block* blocks, std::size_t used) {
  for (std::size_t b = 0; b < used; ++b) {
    const Block& block = blocks[b];
    double* const begin = gradient + block.first;
    double mean = 0.0;
    for (std::size_t i = 0; i < block.count; ++i) mean += begin[i];
    mean /= static_cast<double>(block.count);
    for (std::size_t i = 0; i < block.count; ++i) begin[i] = (begin[i] - mean) / eps;
  }
}

}  // namespace infonet
