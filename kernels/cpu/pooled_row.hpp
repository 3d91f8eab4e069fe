// What soft ranks of a row and their gradient share: its range, its order, its pooling.
#pragma once

#include <cstddef>

#include "isotonic.hpp"
#include "order.hpp"

namespace infonet {

template <typename Value>
inline Value at(const Value* values, std::ptrdiff_t stride, std::size_t i) {
  return values[static_cast<std::ptrdiff_t>(i) * stride];
}

// Scales a row to [0, 1].
struct Range {
  double low, width;
  template <typename Value>
  double scaled(Value value) const {
    return (static_cast<double>(value) - low) / width;
  }
};

template <typename Value>
inline Range range_of(const Value* values, std::ptrdiff_t stride, std::size_t n) {
  Value low = values[0], high = values[0];
  for (std::size_t i = 1; i < n; ++i) {
    const Value value = at(values, stride, i);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return {static_cast<double>(low), static_cast<double>(high) - static_cast<double>(low)};
}

// A row in ascending order: index_of(sorted[i]) is the place of scaled[i] in the row.
struct PooledRow {
  const Item* sorted;
  double* scaled;  // [n]
  const Block* blocks;
  std::size_t used;
};

struct PoolScratch {
  SortScratch sort;
  Buffer<double> scaled;
  Buffer<Vertex> vertices;
  Buffer<Block> blocks;

  void trim(std::size_t most_bytes) {
    sort.trim(most_bytes);
    scaled.trim(most_bytes);
    vertices.trim(most_bytes);
    blocks.trim(most_bytes);
  }
};

// Sort, scale and pool a row of float or double. The result lies in `scratch`.
template <typename Value>
PooledRow pool_row(const Value* values, std::ptrdiff_t stride, std::size_t n, const Range& range,
                   double eps, PoolScratch& scratch);

}  // namespace infonet
